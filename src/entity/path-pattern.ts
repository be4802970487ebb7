import { SekishoError } from '../lib/errors.ts';
import { toSafeRegExp } from '../lib/safe-regexp.ts';

/**
 * One piece of a path pattern. `tail` is the character after a param: its value ends before the next one of it (`/` at the end of the pattern).
 * `source` is a JavaScript regular expression without anchors that the whole value has to match.
 */
export type PathToken =
  | { readonly kind: 'static'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string; readonly tail: string }
  | { readonly kind: 'regex'; readonly name: string; readonly source: string; readonly tail: string }
  | { readonly kind: 'wildcard' };

/**
 * Parses a route's path: static text, `{name}`, `{name:regex}` (braces may nest), `*` as the last character. Static text comes back percent-encoded
 * in the canonical form of RFC 3986. ENTITY_INVALID with the column when the grammar is broken.
 */
export function parsePathPattern(path: string): readonly PathToken[] {
  if (!path.startsWith('/')) throw invalid(path, 0, 'a path begins with /');
  const tokens: PathToken[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < path.length) {
    const char = path[at];
    if (char === '*') {
      if (at < path.length - 1) throw invalid(path, at, 'a * is allowed only as the last character; use {name} for one segment');
      tokens.push({ kind: 'wildcard' });
      at += 1;
    } else if (char === '{') {
      const end = closingBrace(path, at);
      const token = parseParam(path, at, end);
      if (names.has(token.name)) throw invalid(path, at, `the key "${token.name}" is there twice`);
      names.add(token.name);
      tokens.push(token);
      at = end + 1;
    } else {
      const end = staticEnd(path, at);
      tokens.push({ kind: 'static', text: toCanonicalText(path, at, end) });
      at = end;
    }
  }
  return tokens;
}

/** Text that is equal for two patterns that match exactly the same paths by the same rank: names of params are left out. */
export function toPathShape(tokens: readonly PathToken[]): string {
  let shape = '';
  for (const token of tokens) {
    if (token.kind === 'static') shape += token.text;
    else if (token.kind === 'param') shape += '{}';
    else if (token.kind === 'regex') shape += `{${token.source}}`;
    else shape += '*';
  }
  return shape;
}

function parseParam(path: string, start: number, end: number): Extract<PathToken, { name: string }> {
  const next = path[end + 1];
  if (next === '{' || next === '*')
    throw invalid(path, end + 1, `put a / or other text between } and ${next}: nothing tells where the value ends`);
  const tail = next ?? '/';
  const inner = path.slice(start + 1, end);
  const colon = inner.indexOf(':');
  if (colon < 0) return { kind: 'param', name: inner, tail };
  const result = toSafeRegExp(
    inner
      .slice(colon + 1)
      .replace(/^\^/, '')
      .replace(/(?<!\\)\$$/, ''),
  );
  if ('problem' in result) throw invalid(path, start + colon + 2, `the regular expression does not compile: ${result.problem}`);
  return { kind: 'regex', name: inner.slice(0, colon), source: result.source === '' ? '.*' : result.source, tail };
}

function closingBrace(path: string, start: number): number {
  let depth = 0;
  for (let i = start; i < path.length; i += 1) {
    if (path[i] === '{') depth += 1;
    else if (path[i] === '}') depth -= 1;
    if (depth === 0) return i;
  }
  throw invalid(path, start, 'the { is not closed by a }');
}

function staticEnd(path: string, start: number): number {
  const length = path.slice(start).search(/[{*]/);
  return length < 0 ? path.length : start + length;
}

/** Request paths are matched in their canonical form, so the text of patterns is brought to it as well: `/ü%2f%41` is `/%C3%BC%2FA`. */
function toCanonicalText(path: string, start: number, end: number): string {
  const text = path.slice(start, end);
  const bad = text.search(/[?#\p{Cc}]|\p{Surrogate}/u);
  if (bad >= 0) throw invalid(path, start + bad, 'the query and control characters are no part of a path');
  return text
    .replace(/%[0-9A-Fa-f]{2}/g, (code) => {
      const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return /[A-Za-z0-9\-._~]/.test(char) ? char : code.toUpperCase();
    })
    .replace(/[^A-Za-z0-9\-._~!$&'()+,;=:@/%]/gu, (char) => encodeURIComponent(char));
}

function invalid(path: string, at: number, rule: string): SekishoError {
  return new SekishoError('ENTITY_INVALID', `${JSON.stringify(path)}, column ${at + 1}: ${rule}`);
}
