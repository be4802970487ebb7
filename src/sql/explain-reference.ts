import { SekishoError } from '../lib/errors.ts';
import { findColumn, toCompared } from './column.ts';
import type { Executor } from './executor.ts';
import type { Compilers } from './session.ts';
import { NO_REFERENCE, type StatementContext } from './sql-error.ts';
import type { Resource } from './types.ts';

/** SQLite tells that a foreign key failed, but not which: the relations of the written row are looked up. Other errors are given back. */
export async function explainReference(
  error: unknown,
  executor: Executor,
  { dialect, resources }: Compilers,
  { type }: StatementContext,
  values: Resource,
): Promise<unknown> {
  if (!(error instanceof SekishoError) || error.code !== 'RESOURCE_REFERENCE' || error.errors.length > 0 || type === undefined)
    return error;
  if (dialect.kind !== 'sqlite3') return error;
  for (const property of type.properties) {
    const target = property.relation === undefined ? undefined : resources.get(property.relation.schemaId);
    const value = values[property.name];
    if (property.relation === undefined || target === undefined || (typeof value !== 'string' && typeof value !== 'number')) continue;
    const kind = findColumn(target, property.relation.column)?.kind ?? 'text';
    const wanted = toCompared(kind, value);
    const text = `SELECT 1 FROM ${dialect.quote(target.table)} WHERE ${dialect.quote(property.relation.column)} = ${dialect.placeholder(1, kind)}`;
    const found = wanted === undefined ? [] : await executor.rows(text, [dialect.bind(wanted, kind)], { operation: 'other' });
    if (found.length > 0) continue;
    const detail = `the ${target.singular} that ${property.name} refers to does not exist`;
    return new SekishoError(error.code, NO_REFERENCE + detail, { errors: [{ pointer: `/${property.name}`, detail }], cause: error.cause });
  }
  // All are there: rows refer to a value that this change takes away.
  return new SekishoError('RESOURCE_CONFLICT', `other resources still refer to this ${type.singular}`, { cause: error.cause });
}
