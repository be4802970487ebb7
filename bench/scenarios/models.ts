import { ask } from '../../test/support/client.ts';
import { startBare } from '../bare/start.ts';
import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { type Kind, startDatabase } from '../databases.ts';
import { countRows, fill, type Item, TOKEN, toItem } from '../items.ts';
import { CONNECTIONS, STORE_SCHEMAS } from '../items-schema.ts';
import type { Measurement } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';
import type { LoadOptions } from '../wrk.ts';

const ROWS = 1_000;
const LIST = '/bench/items?status=sold&limit=20';
const KINDS: readonly Kind[] = ['postgresql', 'sqlite3', 'mysql'];
/** MariaDB stands beside the others for orientation. */
const WITH_GOALS: readonly Kind[] = ['postgresql', 'sqlite3'];

interface Work {
  readonly name: string;
  readonly path: string;
  readonly body?: string;
  /** How many times as much as the bare loop it may cost. */
  readonly atMost?: number;
}

const WORK: readonly Work[] = [
  { name: 'GET by id', atMost: 1.45, path: '/bench/items/i500' },
  { name: 'list of 20', atMost: 1.45, path: LIST },
  { name: 'create', atMost: 1.6, path: '/bench/items', body: JSON.stringify(toItem(7)) },
  { name: 'GET, relation embedded', path: '/bench/crates/i50' },
  { name: 'GET, two JSON columns', path: '/bench/parcels/i50' },
];

/** CPU per request of the resource API on every kind of database, against a bare loop of node:http and the driver with the same statements. */
export async function measureModels(effort: Effort): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const kind of KINDS) rows.push(...(await measureKind(kind, effort)));
  return rows;
}

async function measureKind(kind: Kind, effort: Effort): Promise<Measurement[]> {
  await using server = await startDatabase(kind);
  const connection = await server.createDatabase();
  await using gateway = await startPinnedGateway(
    {
      database: { type: kind, connection, max_open_conn: CONNECTIONS },
      schemas: ['./schemas.yaml'],
      keystone: { fake: true },
    },
    { 'schemas.yaml': STORE_SCHEMAS },
  );
  const url = gateway.proxyUrl;
  await fill(url, 'items', ROWS);
  await fill(url, 'racks', 10);
  await fill(url, 'crates', 100, (index) => ({ rack_id: `i${index % 10}` }));
  await fill(url, 'parcels', 100, toParcelFields);
  await using bare = await startBare(kind, connection);
  await expectSame(url, bare.url);
  const targets = WORK.flatMap(({ name, path, body }) => {
    const load: LoadOptions = { headers: { 'X-Auth-Token': TOKEN }, ...(body !== undefined && { body }) };
    return [
      { name: `bare ${name}`, pid: bare.pid, url: bare.url + path, load },
      { name, pid: gateway.pid(), url: url + path, load },
    ];
  });
  const costs = await measureCpuPerRequest(targets, effort.rounds, Math.min(effort.seconds, 3));
  return WORK.map((work) => toRow(costs, server.title, WITH_GOALS.includes(kind) ? work : { ...work, atMost: undefined }));
}

function toParcelFields(index: number): Item {
  return { labels: ['fragile', `lot ${index}`, 'this side up'], size: { width: index + 0.5, height: 12 } };
}

/** Both must find the same rows, with the same things in them: else they would not do the same work. */
async function expectSame(url: string, bareUrl: string): Promise<void> {
  const look = async (base: string): Promise<string> => {
    const [list, single, other] = await Promise.all(
      [LIST, '/bench/crates/i50', '/bench/parcels/i50'].map((path) => ask(base + path, { headers: { 'x-auth-token': TOKEN } })),
    );
    const ids = list?.json<{ items: readonly Item[] }>().items.map(({ id }) => id);
    const rack = single?.json<{ crate: { rack: Item } }>().crate.rack;
    const parcel = other?.json<{ parcel: Item }>().parcel;
    return JSON.stringify([ids, rack?.['id'], rack?.['name'], parcel?.['labels'], parcel?.['size']]);
  };
  const [ours, theirs] = [await look(url), await look(bareUrl)];
  if (ours !== theirs) throw new Error(`the answers differ: ${ours} against ${theirs}`);
  const total = (await countRows(url, 'items')) / 4;
  const { headers } = await ask(bareUrl + LIST);
  if (Number(headers['x-total-count']) !== total)
    throw new Error(`the totals differ: ${String(headers['x-total-count'])} is not a quarter`);
}

function toRow(
  costs: readonly TargetCost[],
  title: string,
  { name, atMost }: Omit<Work, 'path' | 'atMost'> & { readonly atMost?: number | undefined },
): Measurement {
  const cost = costs.find((found) => found.name === name);
  const peer = costs.find((found) => found.name === `bare ${name}`);
  if (!cost || !peer) throw new Error(`not measured: ${name}`);
  return {
    name: `${title}: ${name}`,
    measured: cost.median / peer.median,
    unit: '× bare loop',
    ...(atMost !== undefined && { goal: { atMost } }),
    note: `${cost.median.toFixed(1)} µs against ${peer.median.toFixed(1)} µs; ${Math.round(cost.perSecond)}/s against ${Math.round(peer.perSecond)}/s`,
  };
}
