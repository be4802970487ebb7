import { nearest } from '../lib/nearest.ts';
import { usageFailure } from './failure.ts';

/** What a template is filled with: JSON values by name. */
export type TemplateValues = Readonly<Record<string, unknown>>;

/** Fills a compiled template. Throws a usage `Failure` when it names a value that there is not. */
export type Template = (values: TemplateValues) => string;

type Scope = ReadonlyMap<string, unknown>;
type Node = (scope: Scope) => string;

interface Token {
  readonly kind: 'text' | 'value' | 'tag';
  readonly text: string;
  readonly line: number;
}

interface Reader {
  readonly file: string;
  readonly tokens: readonly Token[];
  at: number;
}

const PARTS = /\{#[^]*?#\}|\{\{[^]*?\}\}|\{%[^]*?%\}/g;
const PATH = /^[A-Za-z_]\w*(?:\.\w+)*$/;
const FOR = /^for\s+(\w+)(?:\s*,\s*(\w+))?\s+in\s+(\S+)$/;
const IF = /^if\s+(not\s+)?(\S+)$/;

const FILTERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null, undefined, 2),
  upper: (value) => toText(value).toUpperCase(),
  lower: (value) => toText(value).toLowerCase(),
  snake_to_camel: (value) => toText(value).replaceAll(/(?:^|_)([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase()),
  length: (value) => (Array.isArray(value) ? value.length : Object.keys(toMap(value)).length),
};

/**
 * Compiles a template of a small language, a part of Django's: `{{ a.b|filter }}`, `{% for x in a %}`, `{% for key, value in map %}`, `{% if a %}`, `{% if not a %}`,
 * `{% else %}`, `{# note #}`. It reads its values and does nothing else. A line with nothing but tags leaves none. Throws a usage `Failure` with file and line.
 */
export function compileTemplate(text: string, file: string): Template {
  const reader: Reader = { file, tokens: toTokens(text), at: 0 };
  const root = readNodes(reader, []);
  return (values) => root(new Map(Object.entries(values)));
}

function toTokens(source: string): readonly Token[] {
  const text = source.replaceAll(
    /^[ \t]*((?:\{%(?:(?!%\})[^\n])*%\}[ \t]*|\{#(?:(?!#\})[^\n])*#\}[ \t]*)+)\n/gm,
    (_, tags: string) => `${tags.trim()}\u0000`,
  );
  const tokens: Token[] = [];
  let line = 1;
  const push = (kind: Token['kind'], part: string): void => {
    if (kind !== 'text') tokens.push({ kind, text: part.slice(2, -2).trim(), line });
    else if (part !== '') tokens.push({ kind, text: part.replaceAll('\u0000', ''), line });
    // A line that was taken out is marked, and counts.
    line += part.split(/[\n\u0000]/).length - 1;
  };
  let end = 0;
  for (const found of text.matchAll(PARTS)) {
    push('text', text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[0].startsWith('{#')) line += found[0].split('\n').length - 1;
    else push(found[0].startsWith('{{') ? 'value' : 'tag', found[0]);
  }
  push('text', text.slice(end));
  return tokens;
}

/** Everything up to a tag of `ends`, which is read too by the caller. */
function readNodes(reader: Reader, ends: readonly string[]): Node {
  const nodes: Node[] = [];
  for (;;) {
    const token = reader.tokens[reader.at];
    if (token === undefined) {
      if (ends.length === 0) return join(nodes);
      throw usageFailure(`${reader.file}: the end is reached where {% ${ends.at(-1)} %} is missing`);
    }
    if (token.kind === 'tag' && ends.includes(token.text)) return join(nodes);
    reader.at += 1;
    nodes.push(token.kind === 'text' ? () => token.text : token.kind === 'value' ? toValueNode(reader, token) : readTag(reader, token));
  }
}

function readTag(reader: Reader, token: Token): Node {
  const loop = FOR.exec(token.text);
  if (loop !== null) {
    const [, first = '', second, path = ''] = loop;
    const valueOf = compileValue(reader, token, path);
    const body = readNodes(reader, ['endfor']);
    reader.at += 1;
    return (scope) =>
      toEntries(valueOf(scope))
        .map(([key, value]) =>
          body(
            new Map([...scope, ...(second === undefined ? [[first, value] as const] : [[first, key] as const, [second, value] as const])]),
          ),
        )
        .join('');
  }
  const choice = IF.exec(token.text);
  if (choice === null) throw wrong(reader, token, `found {% ${token.text} %}, allowed are for, if, else, endif, endfor`);
  const valueOf = compileValue(reader, token, choice[2] ?? '');
  const isNegated = choice[1] !== undefined;
  const yes = readNodes(reader, ['else', 'endif']);
  const hasElse = reader.tokens[reader.at]?.text === 'else';
  reader.at += 1;
  const no = hasElse ? readNodes(reader, ['endif']) : () => '';
  if (hasElse) reader.at += 1;
  return (scope) => (isTrue(valueOf(scope)) === isNegated ? no(scope) : yes(scope));
}

function toValueNode(reader: Reader, token: Token): Node {
  const valueOf = compileValue(reader, token, token.text);
  return (scope) => toText(valueOf(scope));
}

/** `path|filter|filter`. */
function compileValue(reader: Reader, token: Token, text: string): (scope: Scope) => unknown {
  const [path = '', ...names] = text.split('|').map((part) => part.trim());
  if (!PATH.test(path)) throw wrong(reader, token, `'${path}' is no path, such as schema.id`);
  const filters = names.map((name) => {
    const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
    if (filter === undefined) throw wrong(reader, token, `unknown filter '${name}', known are ${Object.keys(FILTERS).join(', ')}`);
    return filter;
  });
  const [first = '', ...keys] = path.split('.');
  return (scope) => {
    if (!scope.has(first)) {
      const meant = nearest(first, scope.keys());
      throw wrong(reader, token, `there is no '${first}'${meant ? `; did you mean ${meant}?` : ''}`);
    }
    let value = scope.get(first);
    // Only what the value itself has: nothing of JavaScript is in reach.
    for (const key of keys)
      value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as TemplateValues)[key] : undefined;
    return filters.reduce((filtered, filter) => filter(filtered), value);
  };
}

function wrong({ file }: Reader, { line }: Token, detail: string): Error {
  return usageFailure(`${file}:${line}: ${detail}`);
}

function join(nodes: readonly Node[]): Node {
  return (scope) => nodes.map((node) => node(scope)).join('');
}

function toEntries(value: unknown): readonly (readonly [unknown, unknown])[] {
  return Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(toMap(value));
}

function toMap(value: unknown): TemplateValues {
  return typeof value === 'object' && value !== null ? (value as TemplateValues) : {};
}

function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
