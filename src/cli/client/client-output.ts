import { toColumns } from '../table.ts';
import { type ClientProperty, type ClientSchema, type Fields, isFields } from './client-schema.ts';

/** Rows of a schema as a table: a line of titles, then a line per row. Relations show the name of what they refer to. */
export function rowsTable(schema: ClientSchema, rows: readonly Fields[]): string {
  const shown = schema.properties.filter(({ name }) => rows.some((row) => row[name] !== undefined));
  if (rows.length === 0) return `no ${schema.plural}\n`;
  return toColumns([shown.map(({ title }) => title), ...rows.map((row) => shown.map((property) => toShown(property, row)))]);
}

/** One resource as a table: a line per property. */
export function resourceTable(schema: ClientSchema, resource: Fields): string {
  const shown = schema.properties.filter(({ name }) => resource[name] !== undefined);
  return toColumns([['Property', 'Value'], ...shown.map((property) => [property.title, toShown(property, resource)])]);
}

function toShown({ name, embedAs }: ClientProperty, row: Fields): unknown {
  const related = embedAs === undefined ? undefined : row[embedAs];
  return isFields(related) && typeof related['name'] === 'string' ? related['name'] : row[name];
}
