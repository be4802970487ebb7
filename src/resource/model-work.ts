import type { ModelHow, ModelMode, TransactionHandle } from '../extension/host-calls.ts';
import type { Session } from '../sql/types.ts';
import { typeFields } from './event-fields.ts';
import type { Events, OPERATION_EVENTS } from './events.ts';
import type { HostContext } from './host-calls.ts';
import { sessionOf } from './host-calls-database.ts';
import { inSavepoint } from './savepoint.ts';
import { isolationOf } from './transaction.ts';
import { typeOf } from './type-of.ts';
import type { Work } from './types.ts';

/** What a handler does with a resource of its own choice, with the events of that one's type. */
export interface ModelWork extends Work {
  readonly events: Events;
  readonly mode: ModelMode;
  /** The open transaction that all of it happens in. */
  readonly session: Session | undefined;
}

/** Inside an open transaction only the events that belong into one are handled. */
export function modelWorkOf({ life, caller }: HostContext, schemaId: string, id: string | undefined, how: ModelHow): ModelWork {
  const { models, database, identity } = life;
  const type = typeOf(models.schemas, schemaId);
  const { mode, transaction } = typeof how === 'string' ? { mode: how } : how;
  const session = sessionOfModel({ life, caller }, transaction);
  const all = life.eventsOf(type.id, caller.depth, { ...typeFields(type), id, resource: undefined, response: undefined });
  const events: Events =
    session === undefined ? all : { ...all, handles: (event) => event.endsWith('_in_transaction') && all.handles(event) };
  return { models, database, identity, type, id, ancestorIds: [], events, mode, session };
}

function sessionOfModel({ life, caller }: HostContext, transaction: TransactionHandle | undefined): Session | undefined {
  return transaction === undefined || transaction === null ? life.sessionOf(caller.depth) : sessionOf({ life, caller }, transaction);
}

/** Runs `work` in the open transaction, where it fails alone, or in one of its own. One after the other for handlers of one depth. */
export function inModelTransaction<T>(
  { life, caller }: HostContext,
  { type, events, session }: ModelWork,
  operation: keyof typeof OPERATION_EVENTS,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  if (session !== undefined)
    return life.inTurn(caller.depth, () =>
      inSavepoint(life.database.kind, session, true, () => events.within(session, false, () => work(session))),
    );
  const isolation = isolationOf(type, operation === 'list' || operation === 'show' ? 'read' : operation);
  return life.inTurn(caller.depth, () => {
    let tries = 0;
    return life.own.run(isolation, caller.signal, (own) => {
      tries += 1;
      return events.within(own, tries > 1, () => work(own));
    });
  });
}
