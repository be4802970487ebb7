import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { eventOf, toCrate, toParcel, toStatements, valuesOf } from './statements.ts';
import type { Bare, BareOptions } from './types.ts';

/** The bare loop's statements as prepared statements of `node:sqlite`. */
export function openSqlite({ connection, tenant }: BareOptions): Bare {
  const database = new DatabaseSync(connection, { timeout: 5000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
  const texts = toStatements(() => '?');
  const [item, items, count] = [database.prepare(texts.item), database.prepare(texts.items), database.prepare(texts.count)];
  const [crate, parcel] = [database.prepare(texts.crate), database.prepare(texts.parcel)];
  const [insert, log] = [database.prepare(texts.insert), database.prepare(texts.log)];
  return {
    item: async (id) => item.get(id, tenant),
    items: async (status, limit) => ({ items: items.all(tenant, status, limit), total: count.get(tenant, status)?.['count'] }),
    crate: async (id) => toCrate(crate.get(id, tenant)),
    parcel: async (id) => toParcel(parcel.get(id, tenant)),
    async create(row) {
      database.exec('BEGIN IMMEDIATE');
      insert.run(...valuesOf(row).map(toInput));
      log.run(...eventOf(row, 0).map(toInput));
      database.exec('COMMIT');
    },
  };
}

/** The driver takes no booleans. */
function toInput(value: unknown): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : (value as SQLInputValue);
}
