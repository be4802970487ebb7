import type { IsolationLevel, ResourceType } from '../schema/types.ts';
import type { Session } from '../sql/types.ts';
import { inTransaction, type OPERATION_EVENTS } from './events.ts';
import type { Work } from './types.ts';

/** The isolation of an action (create, read, …, or an own one) on a type: what its schema says, else Gohan's. */
export function isolationOf({ isolationLevels }: ResourceType, action: string): IsolationLevel {
  return isolationLevels[action] ?? (action === 'read' ? 'REPEATABLE READ' : 'SERIALIZABLE');
}

/** Runs `work` in a transaction of its own, which is what handlers of its events see. When it clashes, it runs anew on the context as it was before. */
export async function inOwnTransaction<T>(
  { database, type, events }: Work,
  operation: keyof typeof OPERATION_EVENTS,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const isolation = isolationOf(type, operation === 'list' || operation === 'show' ? 'read' : operation);
  if (events === undefined) return await database.transaction(work, { isolation });
  await events.reserve(inTransaction(operation));
  const leave = await events.enter();
  events.mark();
  let tries = 0;
  const { signal } = events;
  try {
    return await database.transaction(
      (session) => {
        tries += 1;
        return events.within(session, tries > 1, () => work(session));
      },
      { isolation, isDeferred: true, isHolding: events.isHolding, ...(signal !== undefined && { signal }) },
    );
  } finally {
    leave();
  }
}
