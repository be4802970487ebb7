/**
 * `node bare-resources.ts PORT postgresql|sqlite3 CONNECTION TENANT`: the least that can serve the items of `items-schema.ts`: node:http and the driver
 * with prepared statements, no policy, no validation, one transaction per create. What the resource API is measured against.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { CONNECTIONS } from './items-schema.ts';

interface Item {
  readonly id: string;
  readonly [property: string]: unknown;
}

interface Bare {
  show(id: string): Promise<unknown>;
  list(status: string, limit: number): Promise<{ readonly items: readonly unknown[]; readonly total: unknown }>;
  create(item: Item): Promise<void>;
}

const [port = '', kind = '', connection = '', tenant = ''] = process.argv.slice(2);
const COLUMNS = ['id', 'tenant_id', 'name', 'status', 'level', 'is_active', 'note'];
const EVENT = ['type', 'path', 'timestamp', 'version', 'body', 'sync_plain', 'sync_property'];
const names = COLUMNS.join(',');

function openPostgres(): Bare {
  const pool = new pg.Pool({ connectionString: connection, max: CONNECTIONS });
  const marks = (columns: readonly string[]): string => columns.map((_, index) => `$${index + 1}`).join(',');
  const show = { name: 'show', text: `SELECT ${names} FROM items WHERE id = $1 AND tenant_id = $2` };
  const list = { name: 'list', text: `SELECT ${names} FROM items WHERE tenant_id = $1 AND status = $2 ORDER BY id LIMIT $3` };
  const count = { name: 'count', text: 'SELECT count(*) FROM items WHERE tenant_id = $1 AND status = $2' };
  const insert = { name: 'insert', text: `INSERT INTO items (${names}) VALUES (${marks(COLUMNS)})` };
  const log = { name: 'log', text: `INSERT INTO events (${EVENT.join(',')}) VALUES (${marks(EVENT)})` };
  return {
    show: async (id) => (await pool.query({ ...show, values: [id, tenant] })).rows[0],
    async list(status, limit) {
      const [rows, total] = await Promise.all([
        pool.query({ ...list, values: [tenant, status, limit] }),
        pool.query({ ...count, values: [tenant, status] }),
      ]);
      return { items: rows.rows, total: total.rows[0].count };
    },
    async create(item) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
        await client.query({ ...insert, values: COLUMNS.map((name) => item[name]) });
        await client.query({ ...log, values: eventOf(item, false) });
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
  };
}

function openSqlite(): Bare {
  const database = new DatabaseSync(connection, { timeout: 5000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
  const show = database.prepare(`SELECT ${names} FROM items WHERE id = ? AND tenant_id = ?`);
  const list = database.prepare(`SELECT ${names} FROM items WHERE tenant_id = ? AND status = ? ORDER BY id LIMIT ?`);
  const count = database.prepare('SELECT count(*) AS count FROM items WHERE tenant_id = ? AND status = ?');
  const insert = database.prepare(`INSERT INTO items (${names}) VALUES (${COLUMNS.map(() => '?').join(',')})`);
  const log = database.prepare(`INSERT INTO events (${EVENT.join(',')}) VALUES (${EVENT.map(() => '?').join(',')})`);
  return {
    show: async (id) => show.get(id, tenant),
    list: async (status, limit) => ({ items: list.all(tenant, status, limit), total: count.get(tenant, status)?.['count'] }),
    async create(item) {
      database.exec('BEGIN IMMEDIATE');
      insert.run(...COLUMNS.map((name) => (typeof item[name] === 'boolean' ? Number(item[name]) : (item[name] as string | number | null))));
      log.run(...(eventOf(item, 0) as (string | number)[]));
      database.exec('COMMIT');
    },
  };
}

function eventOf(item: Item, no: unknown): unknown[] {
  return ['create', `/bench/items/${item.id}`, Math.floor(Date.now() / 1000), 1, JSON.stringify(item), no, ''];
}

const bare = kind === 'postgresql' ? openPostgres() : openSqlite();

function answer(response: ServerResponse, status: number, body: unknown, fields: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...fields });
  response.end(text);
}

async function create(text: string, response: ServerResponse): Promise<void> {
  const item = { id: randomUUID(), tenant_id: tenant, ...JSON.parse(text) };
  await bare.create(item);
  answer(response, 201, { item });
}

const server = createServer((request, response) => {
  const fail = (error: unknown): void => void response.writeHead(500).end(String(error));
  const url = request.url ?? '';
  if (request.method === 'POST') {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => void create(text, response).catch(fail));
    return;
  }
  const at = url.indexOf('?');
  if (at < 0) return void bare.show(url.slice(url.lastIndexOf('/') + 1)).then((item) => answer(response, 200, { item }), fail);
  const query = new URLSearchParams(url.slice(at));
  bare
    .list(query.get('status') ?? '', Number(query.get('limit')))
    .then(({ items, total }) => answer(response, 200, { items }, { 'X-Total-Count': String(total) }), fail);
});
server.listen(Number(port), '127.0.0.1');
