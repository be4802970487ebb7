import { type Expression, type Language, parseFilters, parseWhole } from './expression.ts';
import type { Token } from './lexer.ts';
import type { Scope } from './scope.ts';
import { TemplateError } from './template-error.ts';
import { escapeHtml, SafeText, toText, type Value } from './values.ts';
import { toWords, type Words } from './words.ts';

/** A compiled part of a template. */
export type Node = (scope: Scope) => string;

/** Compiles the part of a template that a tag begins. `words` stand behind its name. */
export type TagReader = (words: Words, reader: Reader) => Node;

/** Reads the tokens of one template. */
export interface Reader {
  readonly language: TemplateLanguage;
  readonly file: string;
  /** Blocks of the template by name, for those that extend it. */
  readonly blocks: Map<string, Node>;
  /** Nodes that make names known and write nothing: macros and imports. */
  readonly definitions: Node[];
  /** The template that it extends, once `{% extends %}` was read. */
  parent: ((scope: Scope) => CompiledFile) | undefined;
  /** Everything up to a tag with one of these names; gives the tag too. Throws when it is missing. */
  until(...ends: readonly string[]): { readonly body: Node; readonly end: string; readonly words: Words };
  /** Everything up to the end of the file. */
  rest(): Node;
  /** Passes over everything up to that tag. */
  skip(end: string): void;
  /** Another template, by a name relative to this one. */
  load(name: string, words: Words): CompiledFile;
}

export interface CompiledFile {
  readonly body: Node;
  readonly blocks: ReadonlyMap<string, Node>;
  readonly definitions: readonly Node[];
  readonly parent: ((scope: Scope) => CompiledFile) | undefined;
}

export interface TemplateLanguage extends Language {
  readonly tags: Readonly<Record<string, TagReader>>;
  /** The text of another template and the name for it in errors; undefined when there is none. */
  readonly load: (name: string, from: string) => { readonly text: string; readonly file: string } | undefined;
}

/** Reads tokens into nodes; `loadFile` compiles others that they name. */
export function createReader(
  tokens: readonly Token[],
  file: string,
  language: TemplateLanguage,
  loadFile: (name: string, words: Words, from: string) => CompiledFile,
): Reader {
  let at = 0;
  const lastLine = tokens.at(-1)?.line ?? 1;

  const read = (ends: readonly string[], opened: number | undefined): { body: Node; end: string; words: Words } => {
    const nodes: Node[] = [];
    for (;;) {
      const token = tokens[at];
      if (token === undefined) {
        if (ends.length === 0) return { body: join(nodes), end: '', words: toWords('', { file, line: lastLine }) };
        throw new TemplateError(file, opened ?? lastLine, `the end is reached where {% ${ends.at(-1)} %} is missing`);
      }
      at += 1;
      if (token.kind === 'text') nodes.push(() => token.text);
      else if (token.kind === 'value') nodes.push(toValueNode(token, file, language));
      else {
        const words = toWords(token.text, { file, line: token.line });
        const name = words.name('the name of a tag');
        if (ends.includes(name)) return { body: join(nodes), end: name, words };
        const tag = Object.hasOwn(language.tags, name) ? language.tags[name] : undefined;
        if (tag === undefined) {
          const known = [...ends, ...Object.keys(language.tags)];
          throw new TemplateError(file, token.line, `found {% ${token.text} %}, allowed here are ${known.join(', ')}`);
        }
        nodes.push(tag(words, reader));
      }
    }
  };

  const reader: Reader = {
    language,
    file,
    blocks: new Map(),
    definitions: [],
    parent: undefined,
    until: (...ends) => read(ends, tokens[at - 1]?.line),
    rest: () => read([], undefined).body,
    skip(end) {
      const line = tokens[at - 1]?.line ?? 1;
      for (;;) {
        const token = tokens[at];
        if (token === undefined) throw new TemplateError(file, line, `the end is reached where {% ${end} %} is missing`);
        at += 1;
        if (token.kind === 'tag' && token.text === end) return;
      }
    },
    load: (name, words) => loadFile(name, words, file),
  };
  return reader;
}

function toValueNode({ text, line }: Token, file: string, language: Language): Node {
  const value = parseWhole(toWords(text, { file, line }), language);
  return (scope) => toOutput(value(scope), scope);
}

/** A value as it is put into the text. */
export function toOutput(value: Value, scope: Scope): string {
  const text = toText(value);
  return scope.render.isEscaping && !(value instanceof SafeText) ? escapeHtml(text) : text;
}

/** `filter|filter:argument`, as `{% filter %}` has them. */
export function parseFilterChain(words: Words, language: Language): (value: Value, scope: Scope) => Value {
  // The chain is read as if a value stood in front of it, which is put in when it is applied.
  const hole = new WeakMap<Scope, Value>();
  const chain: Expression = parseFilters(words, language, () => (scope) => hole.get(scope), true);
  return (value, scope) => {
    const own = scope.inner();
    hole.set(own, value);
    return chain(own);
  };
}

function join(nodes: readonly Node[]): Node {
  if (nodes.length === 1 && nodes[0] !== undefined) return nodes[0];
  return (scope) => {
    let text = '';
    for (const node of nodes) text += node(scope);
    return text;
  };
}
