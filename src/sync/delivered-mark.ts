import { createHash } from 'node:crypto';
import type { LoggedEvent } from '../sql/event-log.ts';

/** The mark that a transaction leaves in etcd of the rows that it delivers: `id:hash` words. */
export function toMark(events: readonly LoggedEvent[]): string {
  return events.map((event) => `${event.id}:${hashOf(event)}`).join(' ');
}

/** Ids and hashes of a mark; words that are none are left out. */
export function parseMark(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const word of text.split(' ')) {
    const match = /^(\d+):([0-9a-f]+)$/.exec(word);
    if (match !== null) found.set(Number(match[1]), match[2] ?? '');
  }
  return found;
}

/** Tells a row from one that another database has under the same id. */
export function hashOf({ type, path, timestamp, version, body }: LoggedEvent): string {
  return createHash('sha1').update(`${type} ${timestamp} ${version} ${path}\n${body}`).digest('hex').slice(0, 12);
}
