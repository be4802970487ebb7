import type { Permit } from '../policy/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import type { JsonObject } from './body.ts';
import { type Events, inTransaction, takeResponse } from './events.ts';
import { withoutHidden, withSeenRelations } from './show-filter.ts';
import { inOwnTransaction } from './transaction.ts';
import type { Work } from './types.ts';

/** Rows as they were read, and whatever else belongs to the answer. */
export interface Read {
  readonly rows: readonly Resource[];
  readonly total: number | undefined;
  /** Keys of the answer beside the rows. */
  readonly more?: JsonObject;
}

/** A list as its handlers leave it. */
export interface HandledList {
  /** Undefined when `pre_list` answered. */
  readonly read: Read | undefined;
  readonly response: JsonObject;
}

/**
 * Reads a list with its events: `pre_list`, whose response is the answer; in a transaction, when handlers wait there, `pre_list_in_transaction`, the rows,
 * `post_list_in_transaction`; `post_list`. What the policy hides is taken out of the resources at the end: handlers see it.
 */
export async function listWithEvents(
  work: Work & { readonly events: Events },
  permit: Permit,
  read: (session: Session) => Promise<Read>,
): Promise<HandledList> {
  const { events, database } = work;
  if (events.handles('pre_list')) {
    const outcome = await events.run('pre_list', { resource: undefined, response: undefined });
    if (outcome.response !== undefined) return { read: undefined, response: takeResponse('pre_list', outcome) };
  }
  const needsTransaction = inTransaction('list').some((event) => events.handles(event));
  const found = needsTransaction
    ? await inOwnTransaction(work, 'list', (session) => listInTransaction(work, session, read))
    : await readPlain(work, database.reader, read);
  let { response } = found;
  if (events.handles('post_list')) {
    response = takeResponse('post_list', await events.run('post_list', { response, total: found.read?.total }));
  }
  return { read: found.read, response: withoutHidden(work, permit, response) };
}

/** The part inside the transaction, with its two events. */
export async function listInTransaction(
  work: Work & { readonly events: Events },
  session: Session,
  read: (session: Session) => Promise<Read>,
): Promise<HandledList> {
  const { events } = work;
  if (events.handles('pre_list_in_transaction')) await events.run('pre_list_in_transaction', { response: undefined });
  const found = await readPlain(work, session, read);
  if (!events.handles('post_list_in_transaction')) return found;
  const outcome = await events.run('post_list_in_transaction', { response: found.response, total: found.read?.total });
  return { read: found.read, response: takeResponse('post_list_in_transaction', outcome) };
}

async function readPlain(
  { models, identity, type }: Work,
  session: Session,
  read: (session: Session) => Promise<Read>,
): Promise<HandledList> {
  const found = await read(session);
  const rows = found.rows.map((row) => withSeenRelations(models, identity, type, row));
  return { read: found, response: { [type.plural]: rows, ...found.more } };
}
