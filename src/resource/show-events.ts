import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import type { JsonObject } from './body.ts';
import { toResponse } from './change.ts';
import { type Events, inTransaction, takeResponse } from './events.ts';
import { withoutHidden } from './show-filter.ts';
import { inOwnTransaction } from './transaction.ts';
import type { Work } from './types.ts';

/** A resource as its handlers leave it. */
export interface HandledShow {
  /** As the database has it; undefined when a handler answered in its place. */
  readonly stored: Resource | undefined;
  readonly response: JsonObject;
}

type Shown = Work & { readonly events: Events };
type Fetch = (session: Session) => Promise<Resource | undefined>;

/**
 * Reads a resource with its events. A response of `pre_show` is the answer; one of `pre_show_in_transaction` stands for the row, and only `post_show` runs
 * then. What the policy hides is taken out at the end. RESOURCE_NOT_FOUND when there is neither row nor response.
 */
export async function showWithEvents(work: Shown, permit: Permit, fetch: Fetch): Promise<HandledShow> {
  const { events, id, database } = work;
  if (events.handles('pre_show')) {
    const outcome = await events.run('pre_show', { id, resource: undefined, response: undefined });
    if (outcome.response !== undefined) return { stored: undefined, response: takeResponse('pre_show', outcome) };
  }
  const needsTransaction = inTransaction('show').some((event) => events.handles(event));
  const found = needsTransaction
    ? await inOwnTransaction(work, 'show', (session) => showInTransaction(work, session, fetch))
    : await fetchPlain(work, database.reader, fetch);
  let { response } = found;
  if (events.handles('post_show')) response = takeResponse('post_show', await events.run('post_show', { id, response }));
  return { stored: found.stored, response: withoutHidden(work, permit, response) };
}

/** The part inside the transaction, with its two events. */
export async function showInTransaction(work: Shown, session: Session, fetch: Fetch): Promise<HandledShow> {
  const { events, id } = work;
  if (events.handles('pre_show_in_transaction')) {
    const outcome = await events.run('pre_show_in_transaction', { id, response: undefined });
    if (outcome.response !== undefined) return { stored: undefined, response: takeResponse('pre_show_in_transaction', outcome) };
  }
  const found = await fetchPlain(work, session, fetch);
  if (!events.handles('post_show_in_transaction')) return found;
  const outcome = await events.run('post_show_in_transaction', { id, response: found.response });
  return { stored: found.stored, response: takeResponse('post_show_in_transaction', outcome) };
}

async function fetchPlain(work: Work, session: Session, fetch: Fetch): Promise<HandledShow> {
  const stored = await fetch(session);
  if (stored === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found');
  return { stored, response: toResponse(work, stored) };
}
