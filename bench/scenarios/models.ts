import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FAKE_USERS, toFakeIdentity } from '../../src/identity/fake-tokens.ts';
import { ask } from '../../test/support/client.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import { SERVER_CORE } from '../cores.ts';
import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { CONNECTIONS, ITEMS_SCHEMA } from '../items-schema.ts';
import type { Measurement } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';
import type { LoadOptions } from '../wrk.ts';

type Kind = 'postgresql' | 'sqlite3';

const NAMES: Readonly<Record<Kind, string>> = { postgresql: 'PostgreSQL', sqlite3: 'SQLite' };
const TOKEN = 'demo_token';
const ROWS = 1_000;
const STATUSES = ['available', 'pending', 'sold', 'lost'];
const NOTE = 'every traveller was judged by one written policy';
const LIST = '/bench/items?status=sold&limit=20';

/** What is asked, how, and how much more than the bare loop it may cost. */
const WORK: readonly { readonly name: string; readonly atMost: number; readonly path: string; readonly body?: string }[] = [
  { name: 'GET by id', atMost: 1.45, path: '/bench/items/i500' },
  { name: 'list of 20', atMost: 1.45, path: LIST },
  { name: 'create', atMost: 1.6, path: '/bench/items', body: JSON.stringify(toItem(7)) },
];

/** CPU per request of the resource API on PostgreSQL and SQLite, against a bare loop of node:http and the driver with the same statements. */
export async function measureModels(effort: Effort): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  const server = await startPostgres();
  try {
    rows.push(...(await measureKind('postgresql', await server.createDatabase(), effort)));
  } finally {
    await server.stop();
  }
  using folder = createTempFolder('sekisho-bench-');
  rows.push(...(await measureKind('sqlite3', `${folder.path}/items.db`, effort)));
  return rows;
}

async function measureKind(kind: Kind, connection: string, effort: Effort): Promise<Measurement[]> {
  await using gateway = await startPinnedGateway(
    {
      database: { type: kind, connection, max_open_conn: CONNECTIONS },
      schemas: ['./schemas.yaml'],
      keystone: { fake: true },
    },
    { 'schemas.yaml': ITEMS_SCHEMA },
  );
  await fill(gateway.proxyUrl);
  await using bare = await startBare(kind, connection);
  await expectSame(gateway.proxyUrl, bare.url);
  const targets = WORK.flatMap(({ name, path, body }) => {
    const load: LoadOptions = { headers: { 'X-Auth-Token': TOKEN }, ...(body !== undefined && { body }) };
    return [
      { name: `bare ${name}`, pid: bare.pid, url: bare.url + path, load },
      { name, pid: gateway.pid(), url: gateway.proxyUrl + path, load },
    ];
  });
  const costs = await measureCpuPerRequest(targets, effort.rounds, Math.min(effort.seconds, 3));
  return WORK.map(({ name, atMost }) => toRow(costs, kind, name, atMost));
}

function toItem(index: number): Readonly<Record<string, unknown>> {
  return { name: `item ${index}`, status: STATUSES[index % STATUSES.length], level: index % 100, is_active: index % 3 === 0, note: NOTE };
}

/** Rows of the tenant that asks, and as many of another one. */
async function fill(url: string): Promise<void> {
  for (let index = 0; index < 2 * ROWS; index += 1) {
    const isOwn = index < ROWS;
    const { status, text } = await ask(`${url}/bench/items`, {
      method: 'POST',
      headers: { 'x-auth-token': isOwn ? TOKEN : 'power_user_token', 'content-type': 'application/json' },
      body: { id: `i${index}`, ...toItem(index) },
    });
    if (status !== 201) throw new Error(`an item can't be made: ${status} ${text}`);
  }
}

async function startBare(kind: Kind, connection: string): Promise<AsyncDisposable & { readonly pid: number; readonly url: string }> {
  const [port = 0] = await findFreePorts(1);
  const program = fileURLToPath(new URL('../bare-resources.ts', import.meta.url));
  const user = FAKE_USERS.get(TOKEN);
  if (user === undefined) throw new Error(`nobody has ${TOKEN}`);
  const words = ['-c', SERVER_CORE, process.execPath, program, `${port}`, kind, connection, toFakeIdentity(user).tenantId];
  const child = spawn('taskset', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await until('the bare loop answers', () => ask(`${url}${LIST}`).catch(() => undefined));
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, url, [Symbol.asyncDispose]: stop };
}

/** Both must find the same rows: else they would not do the same work. */
async function expectSame(url: string, bareUrl: string): Promise<void> {
  const ids = async (base: string): Promise<string> => {
    const { text, headers } = await ask(base + LIST, { headers: { 'x-auth-token': TOKEN } });
    const { items } = JSON.parse(text) as { items: readonly { readonly id: string }[] };
    return `${String(headers['x-total-count'])}: ${items.map(({ id }) => id).join(',')}`;
  };
  const [ours, theirs] = [await ids(url), await ids(bareUrl)];
  if (ours !== theirs) throw new Error(`the lists differ: ${ours} against ${theirs}`);
}

function toRow(costs: readonly TargetCost[], kind: Kind, name: string, atMost: number): Measurement {
  const cost = costs.find((found) => found.name === name);
  const peer = costs.find((found) => found.name === `bare ${name}`);
  if (!cost || !peer) throw new Error(`not measured: ${name}`);
  return {
    name: `${NAMES[kind]}: ${name}`,
    measured: cost.median / peer.median,
    unit: '× bare loop',
    goal: { atMost },
    note: `${cost.median.toFixed(1)} µs against ${peer.median.toFixed(1)} µs; ${Math.round(cost.perSecond)}/s against ${Math.round(peer.perSecond)}/s`,
  };
}
