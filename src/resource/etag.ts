import { hash } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import { fieldList } from './fields.ts';

/**
 * Entity tags (RFC 9110 §8.8.3) have two parts: one for the stored properties that the caller sees, which `If-Match` compares, and, when the answer shows
 * more or less than those (relations, `_fields`), one for the whole text, so that the tag stays a strong one. They are keyed: nobody can try out values.
 */
export function entityTag(key: string, stored: string | undefined, answer?: string): string {
  const first = stored === undefined ? 'part' : digest(key, stored);
  return answer === undefined ? `"${first}"` : `"${first}.${digest(key, answer)}"`;
}

function digest(key: string, text: string): string {
  return hash('sha1', key + text, 'base64url');
}

/** Refuses a write with RESOURCE_PRECONDITION unless `If-Match` names the resource's tag. */
export function checkMatch(ifMatch: string | undefined, tag: string | undefined): void {
  if (ifMatch === undefined) return;
  if (tag !== undefined && (ifMatch.trim() === '*' || fieldList(ifMatch).some((member) => stem(member) === stem(tag)))) return;
  throw new SekishoError(
    'RESOURCE_PRECONDITION',
    tag === undefined ? 'If-Match asks for a resource that exists; there is none.' : 'The resource was changed since the tag in If-Match.',
  );
}

/** Whether the client has this very answer already. Weak comparison, as RFC 9110 §13.1.2 asks. */
export function isFresh(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || fieldList(ifNoneMatch).some((member) => member.replace(/^W\//, '') === tag);
}

/** If-Match never matches a weak tag. */
function stem(tag: string): string {
  return tag.startsWith('W/') ? '' : (tag.split('.', 1)[0] as string).replaceAll('"', '');
}
