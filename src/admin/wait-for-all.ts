import { SekishoError } from '../lib/errors.ts';
import { Refusal } from './refusal.ts';
import type { AdminAnswer, AdminRequest, QueryParameter } from './route.ts';
import type { AdminOptions } from './types.ts';

/** The query parameters of changes that may be waited for. */
export const WAIT: readonly QueryParameter[] = [
  {
    name: 'wait',
    type: 'string',
    values: ['all'],
    doc: '`all`: answer when every node of the fleet serves the change, not only this one; 504 names those that do not.',
  },
  { name: 'wait_seconds', type: 'integer', doc: 'How long `wait` may take.', default: 10, minimum: 1, maximum: 60 },
];

/** Gives `answer` when all nodes serve its revision, if the request asked for that. FLEET_BEHIND when they do not in time: the change is stored all the same. */
export async function awaitNodes(answer: AdminAnswer, { query }: AdminRequest, { cluster }: AdminOptions): Promise<AdminAnswer> {
  const { revision } = answer;
  if (query.wait !== 'all' || query.dry_run === true || revision === undefined || cluster === undefined) return answer;
  const seconds = Number(query.wait_seconds);
  const behind = await cluster.untilServed(revision, seconds * 1000);
  if (behind.length === 0 && cluster.isRegistered()) return answer;
  const names = behind.map(({ id, revision: at }) => `${id} (at ${at})`).join(', ') || 'those that do not see this node';
  throw new Refusal(
    new SekishoError(
      'FLEET_BEHIND',
      `the change is stored as revision ${revision} and served here, but after ${seconds} s not by ${names}`,
    ),
    ['ETag', `"${revision}"`, 'X-Sekisho-Revision', String(revision)],
  );
}
