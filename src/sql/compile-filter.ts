import type { BoundFilter, CompareOperator } from './bind-filter.ts';
import type { Column, ColumnKind } from './column.ts';
import type { Dialect } from './dialect.ts';

const OPERATORS: Readonly<Record<CompareOperator, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** Where text of a statement is made: numbers its placeholders, and qualifies columns by the alias of their table (none when empty). */
export interface Writer {
  readonly dialect: Dialect;
  readonly alias: string;
  readonly next: (kind?: ColumnKind) => string;
}

/** A writer whose placeholders count from 1. */
export function createWriter(dialect: Dialect, alias: string): Writer {
  let count = 0;
  return { dialect, alias, next: (kind) => dialect.placeholder((count += 1), kind) };
}

/** The qualified, quoted name of a column. */
export function nameOf(writer: Writer, column: string): string {
  return writer.alias === '' ? writer.dialect.quote(column) : `${writer.alias}.${writer.dialect.quote(column)}`;
}

/** The condition of a filter; never NULL for rows that it must find. Takes placeholders in the order in which the filter was bound. */
export function compileFilter(writer: Writer, filter: BoundFilter): string {
  switch (filter.kind) {
    case 'true':
      return '1=1';
    case 'false':
      return '1=0';
    case 'and':
    case 'or':
      if (filter.of.length === 0) return filter.kind === 'and' ? '1=1' : '1=0';
      return `(${filter.of.map((part) => compileFilter(writer, part)).join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'null':
      return `${nameOf(writer, filter.column.name)} IS NULL`;
    case 'notNull':
      return `${nameOf(writer, filter.column.name)} IS NOT NULL`;
    case 'in':
    case 'notIn': {
      const values = Array.from({ length: filter.count }, () => writer.next(filter.column.kind));
      const isIn = filter.kind === 'in';
      const test = values.length === 1 ? `${isIn ? '=' : '<>'} ${values[0] ?? ''}` : `${isIn ? 'IN' : 'NOT IN'} (${values.join(',')})`;
      return orNull(writer, filter.column, `${comparable(writer, filter.column)} ${test}`, filter.orNull);
    }
    case 'compare': {
      const test = `${comparable(writer, filter.column)} ${OPERATORS[filter.operator]} ${writer.next(filter.column.kind)}`;
      return orNull(writer, filter.column, test, filter.orNull);
    }
    case 'contains': {
      const test = writer.dialect.contains(nameOf(writer, filter.column.name), filter.column.kind, writer.next('text'));
      return filter.isNegated ? orNull(writer, filter.column, `NOT (${test})`, true) : test;
    }
  }
}

function comparable(writer: Writer, column: Column): string {
  return writer.dialect.comparable(nameOf(writer, column.name), column.kind);
}

function orNull(writer: Writer, column: Column, test: string, isWanted: boolean): string {
  return isWanted ? `(${test} OR ${nameOf(writer, column.name)} IS NULL)` : test;
}
