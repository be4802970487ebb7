/**
 * `node server.ts PORT postgresql|sqlite3|mysql CONNECTION TENANT`: the least that can serve the resources of `items-schema.ts`: node:http and the
 * driver with prepared statements, no policy, no validation, one transaction per create. What the resource API is measured against.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { Kind } from '../databases.ts';
import { openMariadb } from './mariadb.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';
import type { Bare, BareOptions } from './types.ts';

const OPEN: Readonly<Record<Kind, (options: BareOptions) => Bare>> = { postgresql: openPostgres, sqlite3: openSqlite, mysql: openMariadb };

const [port = '', kind = '', connection = '', tenant = ''] = process.argv.slice(2);
const bare = OPEN[kind as Kind]({ connection, tenant });

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

async function show(path: string, response: ServerResponse): Promise<void> {
  const id = path.slice(path.lastIndexOf('/') + 1);
  if (path.startsWith('/bench/items/')) answer(response, 200, { item: await bare.item(id) });
  else if (path.startsWith('/bench/crates/')) answer(response, 200, { crate: await bare.crate(id) });
  else answer(response, 200, { parcel: await bare.parcel(id) });
}

async function list(query: URLSearchParams, response: ServerResponse): Promise<void> {
  const { items, total } = await bare.items(query.get('status') ?? '', Number(query.get('limit')));
  answer(response, 200, { items }, { 'X-Total-Count': String(total) });
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
  if (at < 0) show(url, response).catch(fail);
  else list(new URLSearchParams(url.slice(at)), response).catch(fail);
});
server.listen(Number(port), '127.0.0.1');
