import { createPool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { CONNECTIONS } from '../items-schema.ts';
import { eventOf, toCrate, toParcel, toStatements, valuesOf } from './statements.ts';
import type { Bare, BareOptions } from './types.ts';

type Values = (string | number | boolean)[];

/** The bare loop's statements as prepared statements of `mysql2`. */
export function openMariadb({ connection, tenant }: BareOptions): Bare {
  const pool = createPool({ uri: connection, connectionLimit: CONNECTIONS });
  const texts = toStatements(() => '?');
  const ask = async (text: string, values: Values): Promise<RowDataPacket[]> => (await pool.execute<RowDataPacket[]>(text, values))[0];
  return {
    item: async (id) => (await ask(texts.item, [id, tenant]))[0],
    async items(status, limit) {
      const [items, total] = await Promise.all([ask(texts.items, [tenant, status, limit]), ask(texts.count, [tenant, status])]);
      return { items, total: total[0]?.['count'] };
    },
    crate: async (id) => toCrate((await ask(texts.crate, [id, tenant]))[0]),
    parcel: async (id) => toParcel((await ask(texts.parcel, [id, tenant]))[0]),
    async create(item) {
      const client = await pool.getConnection();
      try {
        await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
        await client.query('BEGIN');
        await client.execute<ResultSetHeader>(texts.insert, valuesOf(item) as Values);
        await client.execute<ResultSetHeader>(texts.log, eventOf(item, false) as Values);
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
  };
}
