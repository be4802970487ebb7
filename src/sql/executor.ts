import type { Parameter } from './column.ts';
import type { RowValues } from './decode-row.ts';
import type { StatementContext } from './sql-error.ts';

/**
 * Runs statements on one connection (or on any, for reads outside of transactions). Errors are SekishoErrors.
 */
export interface Executor {
  /** Rows by position. */
  rows(text: string, parameters: readonly Parameter[], context: StatementContext): Promise<readonly RowValues[]>;
  /** The number of rows that the statement found to change. */
  change(text: string, parameters: readonly Parameter[], context: StatementContext): Promise<number>;
  /** Rows by name, for statements of others; placeholders are the database's own. */
  records(text: string, parameters: readonly Parameter[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}
