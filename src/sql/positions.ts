import { POSITIONS_TABLE } from './system-tables.ts';
import type { Database } from './types.ts';

/** Where a stream was acknowledged: text of whoever reads it. */
export interface Positions {
  read(): Promise<string | undefined>;
  /** Stores it, with a mark that a stream of the table's own changes may look for. */
  write(position: string, mark?: string): Promise<void>;
}

/** The stored position of one stream of an open and prepared database. */
export function createPositions(database: Database, name: string): Positions {
  return {
    async read() {
      const [row] = await database.reader.query(`SELECT position FROM ${POSITIONS_TABLE} WHERE name = ?`, [name]);
      return row === undefined ? undefined : String(row['position']);
    },
    async write(position, mark = '') {
      await database.transaction(
        async (session) => {
          await session.query(`DELETE FROM ${POSITIONS_TABLE} WHERE name = ?`, [name]);
          await session.query(`INSERT INTO ${POSITIONS_TABLE} (name, position, mark) VALUES (?, ?, ?)`, [name, position, mark]);
        },
        { isolation: 'READ COMMITTED' },
      );
    },
  };
}
