import { lex, type Token } from './lexer.ts';
import type { Node, Template } from './nodes.ts';
import { parsePipe } from './pipe-parser.ts';
import { createTokenReader, type TokenReader } from './token-reader.ts';

interface Scope {
  readonly reader: TokenReader;
  readonly defined: Map<string, readonly Node[]>;
  /** Names of the variables that can be seen. */
  readonly variables: string[];
  readonly isInRange: boolean;
  readonly depth: number;
}

type Ending = 'end' | 'else' | 'eof';

/** Bodies in bodies; Go has no such bound, but templates come out of data. */
const MAX_DEPTH = 200;

/** Parses a template of Go's `text/template`; throws a TemplateError with the place. `isFunction` tells which words are functions. */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): Template {
  const reader = createTokenReader(source, lex(source), isFunction);
  const defined = new Map<string, readonly Node[]>();
  const { nodes, ending, at } = parseBody({ reader, defined, variables: ['$'], isInRange: false, depth: 0 });
  if (ending !== 'eof') throw reader.fail(at, `unexpected {{${ending}}}`);
  return { source, nodes, defined };
}

/** Nodes up to `{{end}}`, `{{else` (which stays open) or the end of the source. */
function parseBody(scope: Scope): { readonly nodes: Node[]; readonly ending: Ending; readonly at: Token['at'] } {
  const { reader } = scope;
  if (scope.depth > MAX_DEPTH) throw reader.fail(reader.peek().at, `more than ${MAX_DEPTH} actions inside one another`);
  const nodes: Node[] = [];
  for (;;) {
    const token = reader.next();
    if (token.kind === 'end') return { nodes, ending: 'eof', at: token.at };
    if (token.kind === 'text') {
      nodes.push({ type: 'text', text: token.text });
      continue;
    }
    const word = reader.peek();
    if (word.kind === 'word' && word.text === 'end') {
      reader.next();
      reader.close('end');
      return { nodes, ending: 'end', at: word.at };
    }
    if (word.kind === 'word' && word.text === 'else') {
      reader.next();
      return { nodes, ending: 'else', at: word.at };
    }
    const node = parseAction(scope, word);
    if (node !== undefined) nodes.push(node);
  }
}

function parseAction(scope: Scope, word: Token): Node | undefined {
  const { reader } = scope;
  const keyword = word.kind === 'word' ? word.text : '';
  switch (keyword) {
    case 'if':
    case 'with':
    case 'range':
      reader.next();
      return parseControl(scope, keyword);
    case 'break':
    case 'continue':
      reader.next();
      reader.close(keyword);
      if (!scope.isInRange) throw reader.fail(word.at, `{{${keyword}}} outside {{range}}`);
      return { type: keyword };
    case 'define':
    case 'block':
      reader.next();
      return parseDefinition(scope, keyword, word.at);
    case 'template': {
      reader.next();
      const name = reader.name('template');
      const pipe = reader.peek().kind === 'close' ? undefined : parsePipe(reader, scope.variables, 'template clause');
      reader.close('template');
      return { type: 'template', name, pipe, at: word.at };
    }
    default: {
      const pipe = parsePipe(reader, scope.variables, 'command');
      reader.close('command');
      return { type: 'action', pipe };
    }
  }
}

/** `if`, `with` and `range` after their word, to their `{{end}}`. `{{else if}}` is an `if` in the other branch, with the same end. */
function parseControl(scope: Scope, type: 'if' | 'with' | 'range'): Node {
  const { reader } = scope;
  const variables = [...scope.variables];
  const inner: Scope = { ...scope, variables, isInRange: scope.isInRange || type === 'range', depth: scope.depth + 1 };
  const pipe = parsePipe(reader, variables, type);
  reader.close(type);
  const body = parseBody(inner);
  if (body.ending === 'eof') throw reader.fail(pipe.at, `{{${type}}} has no {{end}}`);
  if (body.ending === 'end') return { type, pipe, body: body.nodes, otherwise: [] };
  const next = reader.peek();
  if (next.kind === 'word' && next.text === type && type !== 'range') {
    reader.next();
    return { type, pipe, body: body.nodes, otherwise: [parseControl({ ...inner, isInRange: scope.isInRange }, type)] };
  }
  reader.close('else');
  const otherwise = parseBody({ ...inner, isInRange: scope.isInRange });
  if (otherwise.ending !== 'end') throw reader.fail(otherwise.at, `expected {{end}} of {{${type}}}`);
  return { type, pipe, body: body.nodes, otherwise: otherwise.nodes };
}

/** `{{define "name"}}…{{end}}`, or `{{block "name" pipeline}}…{{end}}`, which is used in its place too. */
function parseDefinition(scope: Scope, keyword: 'define' | 'block', at: number): Node | undefined {
  const { reader } = scope;
  if (keyword === 'define' && scope.depth > 0) throw reader.fail(at, 'unexpected {{define}} inside another action');
  const name = reader.name(keyword);
  const pipe = keyword === 'block' ? parsePipe(reader, scope.variables, 'block clause') : undefined;
  reader.close(keyword);
  const body = parseBody({ ...scope, variables: ['$'], isInRange: false, depth: scope.depth + 1 });
  if (body.ending !== 'end') throw reader.fail(body.at, `expected {{end}} of {{${keyword} ${JSON.stringify(name)}}}`);
  scope.defined.set(name, body.nodes);
  return keyword === 'block' ? { type: 'template', name, pipe, at } : undefined;
}
