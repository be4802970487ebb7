import pg from 'pg';
import { CONNECTIONS } from '../items-schema.ts';
import { eventOf, toCrate, toStatements, valuesOf } from './statements.ts';
import type { Bare, BareOptions } from './types.ts';

/** The bare loop's statements as named statements of `pg`. */
export function openPostgres({ connection, tenant }: BareOptions): Bare {
  const pool = new pg.Pool({ connectionString: connection, max: CONNECTIONS });
  const texts = toStatements((index) => `$${index}`);
  const ask = async (name: keyof typeof texts, values: unknown[]) => (await pool.query({ name, text: texts[name], values })).rows;
  return {
    item: async (id) => (await ask('item', [id, tenant]))[0],
    async items(status, limit) {
      const [items, total] = await Promise.all([ask('items', [tenant, status, limit]), ask('count', [tenant, status])]);
      return { items, total: total[0].count };
    },
    crate: async (id) => toCrate((await ask('crate', [id, tenant]))[0]),
    parcel: async (id) => (await ask('parcel', [id, tenant]))[0],
    async create(item) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
        await client.query({ name: 'insert', text: texts.insert, values: valuesOf(item) });
        await client.query({ name: 'log', text: texts.log, values: eventOf(item, false) });
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
  };
}
