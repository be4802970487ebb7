import { randomUUID } from 'node:crypto';
import { createPositions } from '../sql/positions.ts';
import { POSITIONS_TABLE } from '../sql/system-tables.ts';
import type { Database } from '../sql/types.ts';

const NAME = 'database';

/** What tells an open and prepared database from all others; made when it is first asked for. A copy of its files or a dump has the same. */
export async function databaseIdOf(database: Database): Promise<string> {
  const positions = createPositions(database, NAME);
  const known = await positions.read();
  if (known !== undefined) return known;
  try {
    await database.transaction(
      (session) => session.query(`INSERT INTO ${POSITIONS_TABLE} (name, position, mark) VALUES (?, ?, ?)`, [NAME, randomUUID(), '']),
      { isolation: 'READ COMMITTED' },
    );
  } catch (error) {
    // Another node may have been first.
    if ((await positions.read()) === undefined) throw error;
  }
  return (await positions.read()) ?? '';
}
