import { readCharacter, readString } from './literal.ts';
import { TemplateError } from './template-error.ts';

/** `open` and `close` are the braces of an action; a symbol is one of `( ) | , := =`. */
export interface Token {
  readonly kind: 'text' | 'open' | 'close' | 'field' | 'dot' | 'variable' | 'word' | 'literal' | 'symbol' | 'end';
  /** Of a field without its dot, of a variable with its `$`. */
  readonly text: string;
  /** Of a literal. */
  readonly value?: string | number;
  readonly at: number;
  /** Whether white space stands before it: `.A .B` are two operands, `.A.B` is one. */
  readonly isSpaced: boolean;
}

const COMMENT = /\{\{(?:-\s)?\s*\/\*/y;
const FIELD = /\.([\p{L}_][\p{L}\p{Nd}_]*)/uy;
const VARIABLE = /\$(?:[\p{L}_][\p{L}\p{Nd}_]*)?/uy;
const WORD = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const NUMBER = /[+-]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const SYMBOL = /:=|[()|,=]/y;

/** Cuts a template of Go's `text/template` into tokens; throws a TemplateError. White space beside `{{-` and `-}}` is gone from the text. */
export function lex(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let isTrimmed = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    const text = source.slice(at, open < 0 ? undefined : open);
    const isTrimmedAfter = open >= 0 && /^-\s/.test(source.slice(open + 2, open + 4));
    const rest = trim(text, isTrimmed, isTrimmedAfter);
    if (rest !== '') tokens.push({ kind: 'text', text: rest, at, isSpaced: false });
    if (open < 0) break;
    const end = matchAt(COMMENT, source, open) === undefined ? lexAction(source, open, isTrimmedAfter, tokens) : commentEnd(source, open);
    isTrimmed = source[end - 3] === '-' && /\s/.test(source[end - 4] ?? '');
    at = end;
  }
  tokens.push({ kind: 'end', text: '', at: source.length, isSpaced: false });
  return tokens;
}

function trim(text: string, start: boolean, end: boolean): string {
  const left = start ? text.trimStart() : text;
  return end ? left.trimEnd() : left;
}

function commentEnd(source: string, open: number): number {
  const close = source.indexOf('*/', open);
  if (close < 0) throw new TemplateError(source, open, 'unclosed comment');
  const found = matchAt(/(?:\s-)?\}\}/y, source, close + 2);
  if (found === undefined) throw new TemplateError(source, close, 'comment ends before closing delimiter');
  return close + 2 + found[0].length;
}

/** The tokens from `{{` to `}}`; gives the place after them. */
function lexAction(source: string, open: number, isTrimmed: boolean, tokens: Token[]): number {
  tokens.push({ kind: 'open', text: '{{', at: open, isSpaced: false });
  let at = open + (isTrimmed ? 3 : 2);
  for (;;) {
    const start = at;
    at = (matchAt(/\s*/y, source, at)?.[0].length ?? 0) + at;
    const isSpaced = at > start;
    const close = isSpaced && source.startsWith('-}}', at) ? 3 : source.startsWith('}}', at) ? 2 : 0;
    if (close > 0) {
      tokens.push({ kind: 'close', text: '}}', at, isSpaced });
      return at + close;
    }
    if (at >= source.length) throw new TemplateError(source, open, 'unclosed action');
    const [token, length] = lexToken(source, at, isSpaced);
    tokens.push(token);
    at += length;
  }
}

function lexToken(source: string, at: number, isSpaced: boolean): readonly [Token, number] {
  const token = (kind: Token['kind'], text: string, value?: string | number): Token => ({
    kind,
    text,
    at,
    isSpaced,
    ...(value !== undefined && { value }),
  });
  const first = source[at] ?? '';
  if (first === '"' || first === '`') {
    const [value, length] = readString(source, at);
    return [token('literal', source.slice(at, at + length), value), length];
  }
  if (first === "'") {
    const [value, length] = readCharacter(source, at);
    return [token('literal', source.slice(at, at + length), value), length];
  }
  const field = matchAt(FIELD, source, at);
  if (field) return [token('field', field[1] ?? ''), field[0].length];
  const number = matchAt(NUMBER, source, at)?.[0];
  if (number !== undefined) return [token('literal', number, toNumber(source, at, number)), number.length];
  for (const [kind, pattern] of [
    ['variable', VARIABLE],
    ['word', WORD],
    ['symbol', SYMBOL],
  ] as const) {
    const found = matchAt(pattern, source, at)?.[0];
    if (found !== undefined) return [token(kind, found), found.length];
  }
  if (first === '.') return [token('dot', '.'), 1];
  throw new TemplateError(source, at, `unexpected ${JSON.stringify(first)} in action`);
}

function toNumber(source: string, at: number, text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const value = Number(text.replace(/^[+-]/, '').replaceAll('_', ''));
  if (Number.isNaN(value)) throw new TemplateError(source, at, `bad number syntax: ${JSON.stringify(text)}`);
  return sign * value;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}
