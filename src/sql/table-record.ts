import type { Ask, Dialect } from './dialect.ts';

/** Tables that Sekisho made, or that its migrations made for schemas: only these may be dropped when no schema has them any more. */
export const RECORD_TABLE = 'sekisho_tables';

/** What a step does to a table as a whole. */
export type TableChange =
  | { readonly kind: 'made'; readonly table: string }
  | { readonly kind: 'renamed'; readonly table: string; readonly from: string }
  | { readonly kind: 'dropped'; readonly table: string };

/** Statements around that of the step. A table is noted before it is made, so that none is there that was not noted, wherever the node is killed. */
export interface RecordStatements {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** CREATE TABLE of the record. */
export function createRecordTable({ quote, tableOptions }: Dialect): string {
  return `CREATE TABLE IF NOT EXISTS ${quote(RECORD_TABLE)} (${quote('name')} varchar(255) NOT NULL PRIMARY KEY)${tableOptions}`;
}

/** The tables on record. */
export async function readRecord({ quote }: Dialect, ask: Ask): Promise<readonly string[]> {
  const rows = await ask(`SELECT ${quote('name')} AS name FROM ${quote(RECORD_TABLE)} ORDER BY 1`, []);
  return rows.map((row) => String(row['name']));
}

/** What the record has to be told of a change; each statement may be run again. */
export function recordStatements(dialect: Dialect, change: TableChange | undefined): RecordStatements {
  switch (change?.kind) {
    case 'made':
      return { before: [note(dialect, change.table)], after: [] };
    case 'renamed':
      return { before: [note(dialect, change.table)], after: [forget(dialect, change.from)] };
    case 'dropped':
      return { before: [], after: [forget(dialect, change.table)] };
    case undefined:
      return { before: [], after: [] };
  }
}

/** The same of a change that is taken back. */
export function undoRecordStatements(dialect: Dialect, change: TableChange | undefined): RecordStatements {
  if (change?.kind === 'made') return recordStatements(dialect, { kind: 'dropped', table: change.table });
  if (change?.kind === 'renamed') return recordStatements(dialect, { kind: 'renamed', table: change.from, from: change.table });
  return { before: [], after: [] };
}

function note(dialect: Dialect, table: string): string {
  const { quote, kind } = dialect;
  const insert = `INTO ${quote(RECORD_TABLE)} (${quote('name')}) VALUES (${literal(dialect, table)})`;
  return kind === 'mysql' ? `INSERT IGNORE ${insert}` : `INSERT ${insert} ON CONFLICT DO NOTHING`;
}

function forget(dialect: Dialect, table: string): string {
  return `DELETE FROM ${dialect.quote(RECORD_TABLE)} WHERE ${dialect.quote('name')} = ${literal(dialect, table)}`;
}

function literal({ kind }: Dialect, text: string): string {
  const doubled = text.replaceAll("'", "''");
  return `'${kind === 'mysql' ? doubled.replaceAll('\\', '\\\\') : doubled}'`;
}
