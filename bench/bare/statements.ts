import type { Row } from './types.ts';

const COLUMNS = ['id', 'tenant_id', 'name', 'status', 'level', 'is_active', 'note'];
const EVENT = ['type', 'path', 'timestamp', 'version', 'body', 'sync_plain', 'sync_property'];
const RACK = 'rack__';
const names = COLUMNS.join(',');

/** The statements of a bare loop; `mark` gives the placeholder of the n-th bound value, from 1. */
export function toStatements(mark: (index: number) => string) {
  const marks = (columns: readonly string[]): string => columns.map((_, index) => mark(index + 1)).join(',');
  const crate = [...COLUMNS, 'rack_id'].map((name) => `c.${name}`);
  const rack = COLUMNS.map((name) => `r.${name} AS ${RACK}${name}`);
  return {
    item: `SELECT ${names} FROM items WHERE id = ${mark(1)} AND tenant_id = ${mark(2)}`,
    items: `SELECT ${names} FROM items WHERE tenant_id = ${mark(1)} AND status = ${mark(2)} ORDER BY id LIMIT ${mark(3)}`,
    count: `SELECT count(*) AS count FROM items WHERE tenant_id = ${mark(1)} AND status = ${mark(2)}`,
    crate: `SELECT ${[...crate, ...rack].join(',')} FROM crates c LEFT JOIN racks r ON r.id = c.rack_id WHERE c.id = ${mark(1)} AND c.tenant_id = ${mark(2)}`,
    parcel: `SELECT ${names},labels,size FROM parcels WHERE id = ${mark(1)} AND tenant_id = ${mark(2)}`,
    insert: `INSERT INTO items (${names}) VALUES (${marks(COLUMNS)})`,
    log: `INSERT INTO events (${EVENT.join(',')}) VALUES (${marks(EVENT)})`,
  };
}

/** What `insert` binds. */
export function valuesOf(item: Row): unknown[] {
  return COLUMNS.map((name) => item[name]);
}

/** What `log` binds; `no` is false as the driver has it. */
export function eventOf(item: Row, no: unknown): unknown[] {
  return ['create', `/bench/items/${String(item['id'])}`, Math.floor(Date.now() / 1000), 1, JSON.stringify(item), no, ''];
}

/** A joined row as the crate with its rack in it. */
export function toCrate(row: Row | undefined): unknown {
  const crate: Record<string, unknown> = {};
  const rack: Record<string, unknown> = {};
  for (const name in row) {
    if (name.startsWith(RACK)) rack[name.slice(RACK.length)] = row[name];
    else crate[name] = row[name];
  }
  return { ...crate, rack };
}

/** A row with its JSON columns as values; some drivers give them as text. */
export function toParcel(row: Row | undefined): unknown {
  return { ...row, labels: toValue(row?.['labels']), size: toValue(row?.['size']) };
}

const toValue = (column: unknown): unknown => (typeof column === 'string' ? JSON.parse(column) : column);
