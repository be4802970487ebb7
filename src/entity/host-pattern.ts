import { SekishoError } from '../lib/errors.ts';
import { toSafeRegExp } from '../lib/safe-regexp.ts';

/** Tells whether a host name, lower case or not and without port, is meant. */
export type HostMatcher = (host: string) => boolean;

/**
 * Compiles a host pattern: exact, `*` (any), `*suffix`, `prefix*`, `*part*`, or `/regex/` (searched, not anchored); all without regard to case.
 * Runs of `*` count as one; a `*` elsewhere is literal. ENTITY_INVALID when it is empty or its regular expression does not compile.
 */
export function compileHostPattern(pattern: string): HostMatcher {
  if (pattern === '')
    throw new SekishoError('ENTITY_INVALID', 'empty pattern: write a host name, *.example.com, or /a regular expression/');
  if (pattern.length > 1 && pattern.startsWith('/') && pattern.endsWith('/')) return compileRegExp(pattern);
  const text = pattern.replace(/\*+/g, '*').toLowerCase();
  if (text === '*') return () => true;
  const begins = text.endsWith('*');
  const ends = text.startsWith('*');
  const part = text.slice(ends ? 1 : 0, begins ? -1 : undefined);
  if (begins && ends) return (host) => host.toLowerCase().includes(part);
  if (ends) return (host) => host.toLowerCase().endsWith(part);
  if (begins) return (host) => host.toLowerCase().startsWith(part);
  return (host) => host.toLowerCase() === part;
}

function compileRegExp(pattern: string): HostMatcher {
  const result = toSafeRegExp(pattern.slice(1, -1), { lowerCase: true });
  if ('problem' in result)
    throw new SekishoError('ENTITY_INVALID', `the regular expression of ${pattern} does not compile: ${result.problem}`);
  const regexp = new RegExp(result.source);
  return (host) => regexp.test(host.toLowerCase());
}
