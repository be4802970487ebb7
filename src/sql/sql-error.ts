import { SekishoError } from '../lib/errors.ts';
import type { ResourceType } from '../schema/types.ts';
import { keyOf } from './column.ts';
import type { Dialect, Failure } from './dialect.ts';

/** What was being done when a statement failed. */
export interface StatementContext {
  readonly operation: 'insert' | 'update' | 'delete' | 'other';
  readonly type?: ResourceType;
}

/** How Gohan's texts of these refusals begin; its clients look for them. */
const CONFLICT = 'Failed to store data in database: ';
export const NO_REFERENCE = 'Related resource does not exist. Please check your request: ';

/** The server has no connection left for us; nothing was done. */
export class ConnectionsTaken extends SekishoError {
  constructor(cause: unknown) {
    super('DATABASE_RETRY', 'The database takes no more connections.', { cause });
  }
}

/** The SekishoError of a driver's error; the property that clashed is named. Errors that are SekishoErrors already pass. */
export function toSqlError(dialect: Dialect, error: unknown, context: StatementContext): SekishoError {
  if (error instanceof SekishoError) return error;
  const failure = dialect.readFailure(error);
  if (failure === undefined) return new SekishoError('DATABASE_FAILED', 'The database refused a statement.', { cause: error });
  switch (failure.kind) {
    case 'retry':
      return new SekishoError('DATABASE_RETRY', 'The change clashed with another one; try again.', { cause: error });
    case 'busy':
      return new ConnectionsTaken(error);
    case 'lost':
      return new SekishoError('DATABASE_LOST', 'The connection to the database was lost.', { cause: error });
    case 'unique':
      return toConflict(failure, context, error);
    case 'reference':
      return toReferenceError(failure, context, error);
    case 'required':
      return toFieldError('RESOURCE_INVALID', failure.columns, (names) => `${names} is required`, error);
    case 'value':
      return toFieldError(
        'RESOURCE_INVALID',
        failure.columns,
        (names) => `the value of ${names} does not fit its column in the database`,
        error,
      );
  }
}

function toConflict(failure: Failure & { readonly kind: 'unique' }, { type }: StatementContext, cause: unknown): SekishoError {
  const columns = failure.columns.length > 0 ? failure.columns : columnsOf(type, failure.constraint);
  const subject = type === undefined ? 'row' : type.singular;
  return toFieldError('RESOURCE_CONFLICT', columns, (names) => `another ${subject} has the same ${names} already`, cause, CONFLICT);
}

function toReferenceError(
  failure: Failure & { readonly kind: 'reference' },
  { operation, type }: StatementContext,
  cause: unknown,
): SekishoError {
  const side = failure.side ?? (operation === 'delete' ? 'referenced' : 'missing');
  if (side === 'referenced') {
    const subject = type === undefined ? 'row' : type.singular;
    return new SekishoError('RESOURCE_CONFLICT', `other resources still refer to this ${subject}`, { cause });
  }
  const tell = (names: string): string => `the resource that ${names} refers to does not exist`;
  return toFieldError('RESOURCE_REFERENCE', failure.columns, tell, cause, NO_REFERENCE);
}

function toFieldError(
  code: 'RESOURCE_CONFLICT' | 'RESOURCE_REFERENCE' | 'RESOURCE_INVALID',
  columns: readonly string[],
  tell: (names: string) => string,
  cause: unknown,
  opening = '',
): SekishoError {
  const detail = tell(columns.length === 0 ? 'a property' : columns.join(' and '));
  return new SekishoError(code, opening + detail, { cause, errors: columns.map((column) => ({ pointer: `/${column}`, detail })) });
}

/** MySQL names the index alone. */
function columnsOf(type: ResourceType | undefined, constraint: string | undefined): readonly string[] {
  if (type === undefined || constraint === undefined) return [];
  if (constraint === 'PRIMARY') return [keyOf(type)];
  const index = type.indexes.find((candidate) => candidate.name === constraint);
  if (index !== undefined) return index.columns;
  const property = type.properties.find(({ name }) => constraint === name || constraint === uniqueIndexName(type.table, name));
  return property === undefined ? [] : [property.name];
}

/** Names of generated indexes. Databases cut names: PostgreSQL at 63 bytes, MySQL at 64 characters. */
export function uniqueIndexName(table: string, property: string): string {
  return fitName(`${table}_${property}_key`);
}

/** Gohan's name of the index of a property. */
export function plainIndexName(table: string, property: string): string {
  return fitName(`${table}_${property}_idx`);
}

/** The last 63 characters, as Gohan cuts names of foreign keys: their ends tell them apart. */
export function fitName(name: string): string {
  return name.length <= 63 ? name : name.slice(-63);
}
