import { toSafeRegExp } from '../lib/safe-regexp.ts';
import type { Report } from './report.ts';

/** The path pattern of a policy, compiled. */
export interface PathPattern {
  readonly matches: (path: string) => boolean;
  /** Every path that matches begins so, but for the characters at `wild`, which may be any. */
  readonly prefix: string;
  /** Places of `prefix` where the pattern has an unescaped dot, as in `^/v2.0/networks`. */
  readonly wild: readonly number[];
}

const QUANTIFIERS = '*+?{';
const LITERAL = /[\w/ ~%:@&=,;-]/;

/** Compiles a regular expression (RE2) that is searched in the path, not anchored; one that does not compile is reported. */
export function compilePathPattern(pattern: string, report: Report): PathPattern {
  const result = toSafeRegExp(pattern);
  if ('problem' in result) {
    report(`the regular expression of resource.path, ${JSON.stringify(pattern)}, does not compile: ${result.problem}`);
    return { prefix: '', wild: [], matches: () => false };
  }
  if (pattern === '.*' || pattern === '') return { prefix: '', wild: [], matches: () => true };
  const regexp = new RegExp(result.source);
  const { prefix, wild, rest } = readPrefix(pattern);
  // The common forms `^/text` and `^/text.*` need no regular expression.
  const isPlain = prefix !== '' && wild.length === 0 && (rest === '' || rest === '.*');
  return { prefix, wild, matches: isPlain ? (path) => path.startsWith(prefix) : (path) => regexp.test(path) };
}

/** The literal beginning of an anchored pattern. Alternatives may each have their own, so a pattern with `|` has none. */
function readPrefix(pattern: string): Omit<PathPattern, 'matches'> & { readonly rest: string } {
  let prefix = '';
  let at = 1;
  const wild: number[] = [];
  if (!pattern.startsWith('^') || pattern.includes('|')) return { prefix, wild, rest: pattern };
  while (at < pattern.length) {
    const isEscaped = pattern[at] === '\\';
    const char = pattern[at + Number(isEscaped)] ?? '';
    const next = at + Number(isEscaped) + 1;
    const isLiteral = isEscaped ? /[^A-Za-z0-9]/.test(char) : char === '.' || LITERAL.test(char);
    // A quantifier rules the character before it: that one may be absent.
    if (!isLiteral || QUANTIFIERS.includes(pattern[next] ?? ' ')) break;
    if (char === '.' && !isEscaped) wild.push(prefix.length);
    prefix += char;
    at = next;
  }
  return { prefix, wild, rest: pattern.slice(at) };
}
