import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import type { RowValues } from './decode-row.ts';
import type { Dialect } from './dialect.ts';
import type { Executor } from './executor.ts';
import { toSqlError } from './sql-error.ts';

/** Runs statements on a connection, or on any connection of a pool. */
export function createMysqlExecutor(connection: Pick<Connection, 'execute' | 'query'>, dialect: Dialect): Executor {
  return {
    async rows(text, parameters, context) {
      try {
        const [rows] = await connection.execute<RowDataPacket[]>({ sql: text, rowsAsArray: true, values: [...parameters] });
        return rows as unknown as RowValues[];
      } catch (error) {
        throw toSqlError(dialect, error, context);
      }
    },
    async change(text, parameters, context) {
      try {
        const [result] = await connection.execute<ResultSetHeader>(text, [...parameters]);
        return result.affectedRows;
      } catch (error) {
        throw toSqlError(dialect, error, context);
      }
    },
    async records(text, parameters) {
      try {
        // Texts of others are not prepared: the server keeps only so many, and does not take all of them so.
        const [rows] = await connection.query(text, [...parameters]);
        return Array.isArray(rows) ? (rows as Readonly<Record<string, unknown>>[]) : [];
      } catch (error) {
        throw toSqlError(dialect, error, { operation: 'other' });
      }
    },
  };
}
