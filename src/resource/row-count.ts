import type { Filter } from '../schema/filter.ts';
import type { Session } from '../sql/types.ts';
import type { Preferences } from './prefer.ts';
import type { Call } from './types.ts';

/** The number of rows of a list. */
export interface RowCount {
  readonly total: number;
  /** A guess of the database's planner. */
  readonly isEstimate: boolean;
}

/** Counts the rows that a filter finds; an estimate where the caller takes one and there are more than the API counts for that. */
export async function countRows({ type, limits }: Call, session: Session, filter: Filter, { count }: Preferences): Promise<RowCount> {
  if (count === 'estimated') return await session.estimate(type, filter, limits.exactCountLimit);
  return { total: await session.count(type, filter), isEstimate: false };
}
