import type { Database, Session } from '../sql/types.ts';

let count = 0;

/**
 * Runs `work` so that its failure undoes it alone: a handler may catch it and go on in the transaction. PostgreSQL would otherwise refuse every statement behind
 * one that failed; `isCompound` work is undone whole on the others too.
 */
export async function inSavepoint<T>(kind: Database['kind'], session: Session, isCompound: boolean, work: () => Promise<T>): Promise<T> {
  if (kind !== 'postgresql' && !isCompound) return await work();
  count = (count + 1) % Number.MAX_SAFE_INTEGER;
  const name = `handler_${count}`;
  await session.query(`SAVEPOINT ${name}`, []);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // What undid the whole transaction is told again by whatever comes next in it.
    await session.query(`ROLLBACK TO SAVEPOINT ${name}`, []).catch(() => undefined);
    throw error;
  }
  await session.query(`RELEASE SAVEPOINT ${name}`, []);
  return result;
}
