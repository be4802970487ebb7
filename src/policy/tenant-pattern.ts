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

/** `a`, `^a$`, `a|b`, `^(a|b)$`, with `\.` and `\-`, as texts; undefined for anything that stands for more. */
function toTexts(pattern: string): readonly string[] | undefined {
  const inner = /^\^?(.*?)\$?$/.exec(pattern)?.[1] ?? '';
  const alternatives = (/^\((?:\?:)?([^()]*)\)$/.exec(inner)?.[1] ?? inner).split('|');
  // `^a|b$` anchors each side of the bar alone; without the anchors the texts are still what is meant.
  const texts = alternatives.map((text) =>
    text
      .replace(/^\^/, '')
      .replace(/\$$/, '')
      .replace(/\\([.-])/g, '$1'),
  );
  const isPlain = alternatives.every(
    (text, i) =>
      PLAIN.test(
        text
          .replace(/^\^/, '')
          .replace(/\$$/, '')
          .replace(/\\[.-]/g, '_'),
      ) && texts[i] !== '',
  );
  return isPlain ? texts : undefined;
}
