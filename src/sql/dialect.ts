import type { IsolationLevel, LockPolicy, Property, ResourceType } from '../schema/types.ts';
import type { ColumnKind, Parameter } from './column.ts';
import type { RowValues } from './decode-row.ts';

/** What a driver's error means. Columns and constraints are named as the database names them. */
export type Failure =
  | { readonly kind: 'unique'; readonly columns: readonly string[]; readonly constraint?: string }
  /** A foreign key: `missing` when the related row is not there, `referenced` when rows still refer to this one; undefined when the database does not tell. */
  | { readonly kind: 'reference'; readonly side?: 'missing' | 'referenced'; readonly columns: readonly string[] }
  | { readonly kind: 'required'; readonly columns: readonly string[] }
  /** The value does not fit the column's type. */
  | { readonly kind: 'value'; readonly columns: readonly string[] }
  | { readonly kind: 'retry' }
  /** The server has no connection left; nothing was done. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'lost' };

/** A column as the database has it. `family` is undefined for types that are none of ours. */
export interface ActualColumn {
  readonly name: string;
  readonly type: string;
  readonly family: ColumnKind | undefined;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
}

export interface ActualTable {
  readonly columns: ReadonlyMap<string, ActualColumn>;
  /** Column lists of indexes by index name, with their uniqueness. */
  readonly indexes: ReadonlyMap<string, { readonly columns: readonly string[]; readonly isUnique: boolean }>;
  /** Columns that have a foreign key, with the table that it refers to; the key's own name where it has one. */
  readonly foreignKeys: readonly { readonly columns: readonly string[]; readonly table: string; readonly name?: string }[];
}

/** Runs a statement of introspection; rows as objects. */
export type Ask = (sql: string, parameters: readonly Parameter[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** How one database spells what all of them can do. Pure: it makes text and reads errors. */
export interface Dialect {
  readonly kind: 'sqlite3' | 'postgresql' | 'mysql';
  quote(name: string): string;
  /** The placeholder of the parameter at `index`, from 1. `kind` is the column's it is compared with or stored in. */
  placeholder(index: number, kind?: ColumnKind): string;
  /** The form in which the driver takes a parameter of a column of that kind. */
  bind(value: Parameter, kind: ColumnKind): Parameter;

  // Expressions
  /** `column` as something that `=`, `<` and ORDER BY compare by value (JSON by its text). */
  comparable(column: string, kind: ColumnKind): string;
  /** A condition that is true when the text of the parameter is somewhere in the column. */
  contains(column: string, kind: ColumnKind, placeholder: string): string;
  /** The parameter of `contains`. */
  containsText(text: string): string;
  /** ORDER BY words after the expression; nulls come first ascending on all databases. */
  direction(isDescending: boolean, isNullable: boolean): string;
  /** LIMIT and OFFSET with these placeholders. */
  page(limit: string | undefined, offset: string | undefined): string;
  /** What follows a SELECT that locks its rows (on MySQL and MariaDB the joined ones too); empty where the database has one writer. */
  lock(policy: LockPolicy, rootAlias: string): string;
  /** How the rows that a row embeds are locked: by a SELECT that joins them, by one for each relation, or not at all (one writer). */
  readonly relatedLock: 'joined' | 'separate' | 'none';
  /** JSON built by the database, where that is cheaper than by Node; undefined where not. */
  readonly json: JsonBuilder | undefined;

  /** EXPLAIN of a SELECT, and the number of rows that its answer guesses; undefined where there is no such guess. */
  readonly estimate: { explain(select: string): string; rowsOf(answer: readonly RowValues[]): number } | undefined;

  // Transactions
  begin(isolation: IsolationLevel): readonly string[];
  readFailure(error: unknown): Failure | undefined;

  // Tables
  columnType(type: ResourceType, property: Property): string;
  /** A constraint that follows the column's other words, or nothing. */
  columnCheck(property: Property): string;
  typeOf(kind: ColumnKind): string;
  /** Words after CREATE TABLE (…). */
  readonly tableOptions: string;
  /** An integer key that the database counts. */
  readonly countedKey: string;
  /** A column of an index, with a prefix length where the type needs one. */
  indexColumn(column: string, columnType: string): string;
  readonly canIndexFulltext: boolean;
  /** A parameter may stand at several places of a statement (`$1`), so that one can ask for rows and their number. */
  readonly canCountAlong: boolean;
  /** A default value in ADD COLUMN. */
  defaultOf(literal: string): string;
  /** Foreign keys can be added to tables that exist, and NOT NULL can be dropped. */
  readonly canAlterConstraints: boolean;
  /** ALTER TABLE that gives a column another type; undefined where that can't be done without losing what does not fit. */
  alterType(
    table: string,
    column: string,
    to: { readonly type: string; readonly check: string; readonly isNullable: boolean },
  ): string | undefined;
  /** ALTER TABLE that makes a column NOT NULL; undefined where that can't be done. */
  setNotNull(table: string, column: string, columnType: string): string | undefined;
  dropNotNull(table: string, column: string, columnType: string): string;
  /** Every table of the database (of its current schema), by name. */
  readTables(ask: Ask): Promise<ReadonlyMap<string, ActualTable>>;
}

export interface JsonBuilder {
  /** The value of a column as JSON, for `object`. */
  value(column: string, kind: ColumnKind): string;
  /** An object of these names and values. */
  object(pairs: readonly (readonly [name: string, value: string])[]): string;
  /** `object`, or JSON null when `presence` is null. */
  objectOrNull(presence: string, object: string): string;
  /** A SELECT of one row and one column, the text `{…},{…}` (null or empty without rows); or of one row each when `isRowwise`. */
  list(values: readonly (readonly [name: string, value: string])[], rest: string): string;
  readonly isRowwise: boolean;
  /** Objects of more pairs than this can't be built. */
  readonly maxPairs: number;
}
