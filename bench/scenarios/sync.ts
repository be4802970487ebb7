import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createEtcd } from '../../src/etcd/client.ts';
import { ask } from '../../test/support/client.ts';
import { startEtcd } from '../../test/support/etcd.ts';
import type { Gateway } from '../../test/support/gateway.ts';
import { until } from '../../test/support/until.ts';
import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { type DatabaseServer, type Kind, startDatabase } from '../databases.ts';
import { countRows, TOKEN, toItem } from '../items.ts';
import { CONNECTIONS, ITEMS_SCHEMA } from '../items-schema.ts';
import { type Measurement, median, quantile } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';
import { load } from '../wrk.ts';

const KINDS: readonly Kind[] = ['postgresql', 'sqlite3'];
const CREATES_PER_SECOND = 100;
const KEYS = '/config/bench/items/';
const CREATE = { headers: { 'X-Auth-Token': TOKEN }, body: JSON.stringify(toItem(7)) };
/** The log grows, and nobody delivers it. */
const LOG_ONLY = { event_log_keep: 100_000_000 };

/** The event log: from a commit to etcd, how much of it one leader delivers, and what it costs those who write. etcd has one member, on the load core. */
export async function measureSync(effort: Effort): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const kind of KINDS) {
    await using server = await startDatabase(kind);
    rows.push(...(await measureDelay(server, effort)), await measureDelivery(server, effort));
  }
  await using server = await startDatabase('postgresql');
  return [...rows, ...(await measureCreates(server, effort))];
}

async function startNode(server: DatabaseServer, settings: Readonly<Record<string, unknown>>): Promise<Gateway> {
  const connection = await server.createDatabase();
  return await startPinnedGateway(
    {
      database: { type: server.kind, connection, max_open_conn: CONNECTIONS },
      schemas: ['./schemas.yaml'],
      keystone: { fake: true },
      ...settings,
    },
    { 'schemas.yaml': ITEMS_SCHEMA },
  );
}

/** When each key of the items was first seen, in milliseconds of this process. */
interface Watcher extends AsyncDisposable {
  readonly seen: ReadonlyMap<string, number>;
}

/** A watcher of its own, that knows nothing of the gateway. */
async function startWatcher(endpoints: readonly string[]): Promise<Watcher> {
  const etcd = createEtcd({ endpoints }, { observe: () => undefined });
  const seen = new Map<string, number>();
  const see = (key: string): void => {
    if (!seen.has(key)) seen.set(key, performance.now());
  };
  const watch = etcd.watch({
    prefix: KEYS,
    onList: ({ kvs }) => kvs.forEach(({ key }) => see(key)),
    onEvents: (events) => events.forEach(({ kv }) => see(kv.key)),
    relistMs: 0,
  });
  await watch.ready;
  return {
    seen,
    async [Symbol.asyncDispose]() {
      await watch.close();
      await etcd.close();
    },
  };
}

/** Creates at a steady rate that leaves room: from the answer, which follows the commit, until the watcher sees the key. */
async function measureDelay(server: DatabaseServer, effort: Effort): Promise<Measurement[]> {
  await using etcd = await startEtcd();
  await using gateway = await startNode(server, { etcd: etcd.endpoints });
  await using watcher = await startWatcher(etcd.endpoints);
  const agent = new http.Agent({ keepAlive: true });
  await createItem(gateway, agent, 'first');
  await until('the first change is delivered', () => watcher.seen.has(`${KEYS}first`), 60_000);
  const count = CREATES_PER_SECOND * (effort.isQuick ? 5 : 30);
  const start = performance.now();
  const answers: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    const wait = start + (index * 1000) / CREATES_PER_SECOND - performance.now();
    if (wait > 0) await pause(wait);
    answers.push(createItem(gateway, agent, `i${index}`));
  }
  const answered = await Promise.all(answers);
  await until('all changes are delivered', () => watcher.seen.size > count, 60_000);
  agent.destroy();
  const delays = answered.map((at, index) => Math.max(0, (watcher.seen.get(`${KEYS}i${index}`) ?? Number.NaN) - at));
  const note = `${count} creates, ${CREATES_PER_SECOND}/s, from the answer; worst ${Math.max(...delays).toFixed(1)} ms`;
  return [
    { name: `${server.title}: commit until visible in etcd, p50`, measured: median(delays), unit: 'ms', note },
    { name: `${server.title}: commit until visible in etcd, p99`, measured: quantile(delays, 0.99), unit: 'ms', note },
  ];
}

/** Gives when it was answered. */
async function createItem(gateway: Gateway, agent: http.Agent, id: string): Promise<number> {
  const { status, text } = await ask(`${gateway.proxyUrl}/bench/items`, {
    method: 'POST',
    headers: { 'x-auth-token': TOKEN, 'content-type': 'application/json' },
    body: { id, ...toItem(7) },
    agent,
  });
  if (status !== 201) throw new Error(`an item can't be made: ${status} ${text}`);
  return performance.now();
}

/** Fills the log while nobody delivers, then lets one leader deliver it: events per second between the first and the last that the watcher sees. */
async function measureDelivery(server: DatabaseServer, effort: Effort): Promise<Measurement> {
  await using etcd = await startEtcd();
  await using gateway = await startNode(server, LOG_ONLY);
  const url = gateway.proxyUrl;
  const wanted = effort.isQuick ? 5_000 : 50_000;
  for (let made = 0; made < wanted; made = await countRows(url, 'items')) await load(`${url}/bench/items`, 2, CREATE);
  await using watcher = await startWatcher(etcd.endpoints);
  deliverFromNextStart(gateway, etcd.endpoints);
  await gateway.restart();
  // Counted now: the last requests of the load were answered to nobody, and committed after it.
  const count = await countRows(url, 'items');
  await until(`${count} events are delivered`, () => watcher.seen.size >= count, 60_000).catch((error: Error) => {
    throw new Error(`${error.message}; ${watcher.seen.size} were seen`, { cause: error });
  });
  const times = [...watcher.seen.values()];
  const seconds = ((times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN)) / 1000;
  return {
    name: `${server.title}: events per second of one leader`,
    measured: Math.round(count / seconds),
    unit: '/s',
    goal: { atLeast: 5_000 },
    note: `${count} events of as many resources in ${seconds.toFixed(1)} s`,
  };
}

function deliverFromNextStart(gateway: Gateway, endpoints: readonly string[]): void {
  const file = join(gateway.folder, 'sekisho.yaml');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, etcd: endpoints }));
}

/** Creates without the log, with it, and with its delivery beside them, which has to be through before the round is counted. */
async function measureCreates(server: DatabaseServer, effort: Effort): Promise<Measurement[]> {
  await using etcd = await startEtcd();
  await using without = await startNode(server, { event_log: 'off' });
  await using logging = await startNode(server, LOG_ONLY);
  await using delivering = await startNode(server, { etcd: etcd.endpoints });
  const target = (name: string, gateway: Gateway) => ({ name, pid: gateway.pid(), url: `${gateway.proxyUrl}/bench/items`, load: CREATE });
  const targets = [
    target('without', without),
    target('log', logging),
    { ...target('delivery', delivering), settle: () => untilDelivered(delivering) },
  ];
  const [base, log, delivery] = await measureCpuPerRequest(targets, effort.rounds, Math.min(effort.seconds, 3));
  if (!base || !log || !delivery) throw new Error('not measured: creates');
  return [
    { ...toRow('creates per second with the event log', log, base), goal: { atLeast: 0.8 } },
    toRow('creates per second with its delivery running', delivery, base),
  ];
}

async function untilDelivered(gateway: Gateway): Promise<void> {
  const count = await countRows(gateway.proxyUrl, 'items');
  const delivered = async (): Promise<number> => {
    const { delivery } = (await gateway.admin('GET', '/api/v1/sync')).json().data;
    return delivery.delivered;
  };
  while ((await delivered()) < count) await pause(50);
}

function toRow(name: string, cost: TargetCost, base: TargetCost): Measurement {
  return {
    name: `PostgreSQL: ${name}`,
    measured: cost.perSecond / base.perSecond,
    unit: '× without the log',
    note: `${Math.round(cost.perSecond)}/s against ${Math.round(base.perSecond)}/s; ${cost.median.toFixed(1)} µs against ${base.median.toFixed(1)} µs`,
  };
}
