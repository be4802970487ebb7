import { toSafeRegExp } from '../lib/safe-regexp.ts';
import type { Report } from './report.ts';

/** A regular expression of belongs_to over ids or names of tenants, compiled. */
export interface TenantPattern {
  /** Whether the text is meant: found anywhere in it, as Gohan does; a pattern that is a plain list of texts means exactly those. */
  matches(text: string): boolean;
  /** The texts that the pattern stands for, when it is a text or a list of alternatives. */
  readonly texts: readonly string[] | undefined;
  /** Every text matches. */
  readonly isAny: boolean;
}

const PLAIN = /^[\w@: /-]+$/;
const ANY = new Set(['', '.*', '^.*$', '^.*', '.*$', '^', '$']);

/** Compiles a pattern; reports one that is no regular expression (RE2) and gives undefined. */
export function compileTenantPattern(pattern: string, key: string, report: Report): TenantPattern | undefined {
  const result = toSafeRegExp(pattern);
  if ('problem' in result) {
    report(`the regular expression of ${key}, ${JSON.stringify(pattern)}, does not compile: ${result.problem}`);
    return undefined;
  }
  const texts = toTexts(pattern);
  const known = texts === undefined ? undefined : new Set(texts);
  const regexp = new RegExp(result.source);
  return { texts, isAny: ANY.has(pattern), matches: known === undefined ? (text) => regexp.test(text) : (text) => known.has(text) };
}

/**
 * `a`, `^a$`, `a|b`, `^(a|b)$`, `^a$|^b$`, with `\.` and `\-`, as texts; undefined for anything that stands for more. `^a` is a beginning, not
 * a text.
 */
function toTexts(pattern: string): readonly string[] | undefined {
  const sides = pattern.split('|');
  // `^a|b$` anchors each side of the bar alone; without the anchors the texts are still what is meant.
  const alternatives = sides.every(isAnchored) ? sides.map(unanchored) : withoutGroup(unanchored(pattern)).split('|');
  return alternatives.every((text) => PLAIN.test(text.replace(ESCAPED, '_')))
    ? alternatives.map((text) => text.replace(ESCAPED, '$1'))
    : undefined;
}

const ESCAPED = /\\([.-])/g;

function isAnchored(pattern: string): boolean {
  return pattern.startsWith('^') && pattern.endsWith('$') && !pattern.endsWith('\\$');
}

function unanchored(pattern: string): string {
  return isAnchored(pattern) ? pattern.slice(1, -1) : pattern;
}

function withoutGroup(pattern: string): string {
  return /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
}
