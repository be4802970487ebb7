import type { Token } from './lexer.ts';
import type { Command, Operand, Pipe } from './nodes.ts';
import type { TokenReader } from './token-reader.ts';

const CONSTANTS: Readonly<Record<string, boolean | null>> = { true: true, false: false, nil: null };

/** Parses a pipeline up to the `}}` or `)` behind it, which stays. Adds the variables that it declares to `variables`. */
export function parsePipe(reader: TokenReader, variables: string[], context: string): Pipe {
  const { at } = reader.peek();
  const { names, isDeclaration, first } = parseTargets(reader, variables, context);
  const commands: Command[] = [];
  let pending = first;
  for (;;) {
    const command = parseCommand(reader, variables, context, pending);
    pending = undefined;
    const [head] = command.operands;
    if (commands.length > 0 && head.type === 'literal')
      throw reader.fail(head.at, `non executable command in pipeline stage ${commands.length + 1}`);
    commands.push(command);
    if (!isSymbol(reader.peek(), '|')) break;
    reader.next();
  }
  if (isDeclaration) variables.push(...names);
  return { variables: names, isDeclaration, commands, at };
}

/** `$x :=`, `$i, $e :=`, `$x =`; a variable that turns out to be the first operand is handed back. */
function parseTargets(
  reader: TokenReader,
  variables: readonly string[],
  context: string,
): { readonly names: readonly string[]; readonly isDeclaration: boolean; readonly first: Token | undefined } {
  if (reader.peek().kind !== 'variable') return { names: [], isDeclaration: false, first: undefined };
  const first = reader.next();
  const names = [first.text];
  if (context === 'range' && isSymbol(reader.peek(), ',')) {
    reader.next();
    const second = reader.next();
    if (second.kind !== 'variable') throw reader.fail(second.at, 'range can only initialize variables');
    names.push(second.text);
  }
  const sign = reader.peek();
  if (isSymbol(sign, ':=') || isSymbol(sign, '=')) {
    reader.next();
    const unknown = sign.text === '=' ? names.find((name) => !variables.includes(name)) : undefined;
    if (unknown !== undefined) throw reader.fail(first.at, `undefined variable ${unknown}`);
    return { names, isDeclaration: sign.text === ':=', first: undefined };
  }
  if (names.length > 1) throw reader.fail(sign.at, 'expected := after the variables of range');
  return { names: [], isDeclaration: false, first };
}

function parseCommand(reader: TokenReader, variables: string[], context: string, first: Token | undefined): Command {
  const { at } = first ?? reader.peek();
  const operands: Operand[] = [];
  if (first !== undefined) operands.push(parseOperand(reader, variables, first, context));
  for (;;) {
    const token = reader.peek();
    if (token.kind === 'close' || isSymbol(token, '|') || isSymbol(token, ')')) break;
    if (operands.length > 0 && !token.isSpaced) throw reader.fail(token.at, `unexpected ${JSON.stringify(token.text)} in operand`);
    operands.push(parseOperand(reader, variables, reader.next(), context));
  }
  const [head, ...rest] = operands;
  if (head === undefined) throw reader.fail(at, `missing value for ${context}`);
  if (head.type !== 'function' && rest.length > 0) throw reader.fail(head.at, "can't give arguments to a value that is no function");
  return { operands: [head, ...rest], at };
}

function parseOperand(reader: TokenReader, variables: string[], token: Token, context: string): Operand {
  const { at } = token;
  switch (token.kind) {
    case 'literal':
      return { type: 'literal', value: token.value ?? '', at };
    case 'dot':
      return { type: 'dot', path: [], at };
    case 'field':
      return { type: 'dot', path: [token.text, ...parsePath(reader)], at };
    case 'variable':
      if (!variables.includes(token.text)) throw reader.fail(at, `undefined variable ${JSON.stringify(token.text)}`);
      return { type: 'variable', name: token.text, path: parsePath(reader), at };
    case 'word':
      if (Object.hasOwn(CONSTANTS, token.text)) return { type: 'literal', value: CONSTANTS[token.text] ?? null, at };
      if (!reader.isFunction(token.text)) throw reader.fail(at, `function ${JSON.stringify(token.text)} not defined`);
      return { type: 'function', name: token.text, at };
    case 'symbol':
      if (token.text === '(') {
        const pipe = parsePipe(reader, variables, 'parenthesized pipeline');
        const close = reader.next();
        if (!isSymbol(close, ')')) throw reader.fail(close.at, 'unclosed left paren');
        return { type: 'pipe', pipe, path: parsePath(reader), at };
      }
      break;
    default:
  }
  throw reader.fail(at, `unexpected ${JSON.stringify(token.text)} in ${context}`);
}

/** `.A.B` right behind an operand. */
function parsePath(reader: TokenReader): readonly string[] {
  const path: string[] = [];
  for (let token = reader.peek(); token.kind === 'field' && !token.isSpaced; token = reader.peek()) {
    reader.next();
    path.push(token.text);
  }
  return path;
}

function isSymbol(token: Token, text: string): boolean {
  return token.kind === 'symbol' && token.text === text;
}
