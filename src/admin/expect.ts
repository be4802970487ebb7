import type { RawHeaders } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import { headerList } from './fields.ts';
import type { AdminRoute } from './route.ts';

/**
 * The revision that the caller expects the state to be at: `If-Match: "<revision>"` (RFC 9110 13.1.1) or `?expect=`; `undefined` when any will do.
 * Of several tags the current one is taken if it is among them. A weak tag never matches.
 */
export function parseExpect(route: AdminRoute, headers: RawHeaders, queried: unknown, current: number): number | undefined {
  const tags = headerList(headers, 'if-match');
  if (tags.length === 0) return typeof queried === 'number' ? queried : undefined;
  if (route.conditional !== true) {
    throw new SekishoError(
      'ADMIN_BAD_REQUEST',
      `If-Match does not work with ${route.method} ${route.path}: revisions count changes of entities`,
    );
  }
  if (tags.includes('*')) return typeof queried === 'number' ? queried : undefined;
  const revisions = tags.map(parseTag);
  if (typeof queried === 'number' && !revisions.includes(queried))
    throw new SekishoError('ADMIN_BAD_REQUEST', 'If-Match and expect contradict each other');
  return revisions.includes(current) ? current : (revisions.find((revision) => revision !== undefined) ?? -1);
}

function parseTag(tag: string): number | undefined {
  if (tag.startsWith('W/"')) return undefined;
  const digits = /^"([0-9]{1,15})"$/.exec(tag)?.[1];
  if (digits === undefined)
    throw new SekishoError(
      'ADMIN_BAD_REQUEST',
      `If-Match takes the ETag of an earlier answer, such as "42", not ${JSON.stringify(tag.slice(0, 50))}`,
    );
  return Number(digits);
}
