import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { toStatusRows } from '../sync-status.ts';
import { toData } from '../to-data.ts';

/** What `sync` shows, by its word. */
export const SYNC_WORDS = { status: '/api/v1/sync', cron: '/api/v1/sync/cron', drift: '/api/v1/sync/drift' } as const;

/** `sync status|cron|drift`: prints who delivers changes and what waits, the jobs, or what differs between database and etcd. */
export async function sync(context: CommandContext): Promise<number> {
  const [word = 'status', ...more] = context.words;
  if (!isWord(word) || more.length > 0) throw usageFailure(`sync takes one of ${Object.keys(SYNC_WORDS).join(', ')}`);
  const found = toData(await context.call({ method: 'GET', path: SYNC_WORDS[word] }));
  const isTable = word === 'status' && context.flags.output === 'table';
  await context.print(isTable ? toStatusRows(found) : found, 'yaml');
  return 0;
}

function isWord(word: string): word is keyof typeof SYNC_WORDS {
  return Object.hasOwn(SYNC_WORDS, word);
}
