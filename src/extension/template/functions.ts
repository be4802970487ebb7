import { sprintf } from './printf.ts';
import { toText, typeName } from './value-text.ts';

type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** The functions of `text/template`; `and` and `or` are the evaluator's, which leaves out arguments. They throw an Error with the reason alone. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  not: (...args) => !isTrue(one('not', args)),
  len: (...args) => lengthOf(one('len', args)),
  index: (first, ...keys) => keys.reduce(indexOf, first),
  slice: (first, ...bounds) => sliceOf(first, bounds),
  print: (...args) => sprint(args),
  println: (...args) => `${args.map(toText).join(' ')}\n`,
  printf: (format, ...args) => sprintf(text('printf', format), args),
  html: (...args) => sprint(args).replace(/[&<>"'\0]/g, (character) => HTML[character] ?? ''),
  js: (...args) => sprint(args).replace(/[\\'"<>&=\p{Cc}]/gu, escapeJs),
  urlquery: (...args) =>
    encodeURIComponent(sprint(args).toWellFormed())
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, escapeUrl),
  eq: (...args) => equalsAny(args),
  ne: (...args) => !equalsAny(two('ne', args)),
  lt: (...args) => compare('lt', args) < 0,
  le: (...args) => compare('le', args) <= 0,
  gt: (...args) => compare('gt', args) > 0,
  ge: (...args) => compare('ge', args) >= 0,
};

/** Go's truth: false, 0, the empty string, list and map, and null are not true. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '�' };

function escapeJs(character: string): string {
  if (character === '\\' || character === "'" || character === '"') return `\\${character}`;
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function escapeUrl(character: string): string {
  return `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`;
}

/** Go's `fmt.Sprint`: a blank between two operands of which neither is a string. */
function sprint(args: readonly unknown[]): string {
  return args.reduce<string>((line, value, place) => {
    const isApart = place > 0 && typeof value !== 'string' && typeof args[place - 1] !== 'string';
    return `${line}${isApart ? ' ' : ''}${toText(value)}`;
  }, '');
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new Error(`len of type ${typeName(value)}`);
}

function indexOf(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw new Error('index of untyped nil');
  if (Array.isArray(value) || typeof value === 'string') {
    const items: ArrayLike<unknown> = typeof value === 'string' ? Buffer.from(value) : value;
    if (!Number.isInteger(key)) throw new Error(`cannot index slice/array with type ${typeName(key)}`);
    const place = Number(key);
    if (place < 0 || place >= items.length) throw new Error(`index out of range: ${place}`);
    return items[place];
  }
  if (typeof value !== 'object') throw new Error(`can't index item of type ${typeName(value)}`);
  if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function sliceOf(value: unknown, bounds: readonly unknown[]): unknown {
  if (!Array.isArray(value) && typeof value !== 'string') throw new Error(`can't slice item of type ${typeName(value)}`);
  const items = typeof value === 'string' ? Buffer.from(value) : value;
  const [start = 0, end = items.length] = bounds.map((bound) => {
    if (!Number.isInteger(bound)) throw new Error(`cannot index slice/array with type ${typeName(bound)}`);
    return Number(bound);
  });
  if (start < 0 || end > items.length) throw new Error(`index out of range: ${start < 0 ? start : end}`);
  if (start > end) throw new Error(`invalid slice index: ${start} > ${end}`);
  const part = items.slice(start, end);
  return Buffer.isBuffer(part) ? part.toString() : part;
}

function equalsAny([first, ...others]: readonly unknown[]): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison');
  return others.some((other) => {
    if (isBasic(first) && isBasic(other)) {
      if (first !== null && other !== null && typeof first !== typeof other) throw new Error('incompatible types for comparison');
      return first === other;
    }
    throw new Error('non-comparable type: lists and maps have no eq');
  });
}

function isBasic(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function compare(name: string, args: readonly unknown[]): number {
  const [a, b] = two(name, args);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  throw new Error(typeName(a) === typeName(b) ? 'invalid type for comparison' : 'incompatible types for comparison');
}

function one(name: string, args: readonly unknown[]): unknown {
  if (args.length !== 1) throw new Error(`wrong number of args for ${name}: want 1 got ${args.length}`);
  return args[0] ?? null;
}

function two(name: string, args: readonly unknown[]): readonly unknown[] {
  if (args.length !== 2) throw new Error(`wrong number of args for ${name}: want 2 got ${args.length}`);
  return args;
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Error(`wrong type for value of ${name}; expected string; got ${typeName(value)}`);
  return value;
}
