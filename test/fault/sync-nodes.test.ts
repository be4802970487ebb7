import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Etcd } from '../../src/etcd/types.ts';
import { CRON_KEY, PUBLISHER_KEY } from '../../src/sync/names.ts';
import { ask } from '../support/client.ts';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { openEtcd, presentKeys } from '../support/sync.ts';
import { startWitness } from '../support/sync-fleet.ts';
import { until } from '../support/until.ts';

/** `sync_writer.leader_ttl`; 10000 is the default of the setting. */
const TTL_MS = Number(process.env['SEKISHO_LEADER_TTL_MS'] ?? 4000);
/** etcd looks for leases that ran out twice a second; 3000 on a machine that does nothing else. */
const SLACK_MS = Number(process.env['SEKISHO_LEADER_SLACK_MS'] ?? 30_000);

/** A row for each run: a job's with its second, a watched key's with what was told. */
const NOTES = `
export const notification = async (context) => {
  const kind = context.key ?? context.path;
  const at = await context.tx.count('run', { kind });
  const text = context.key === undefined ? String(Math.floor(Date.now() / 1000)) : context.action + ' ' + (context.data.n ?? '');
  await context.tx.create('run', { id: crypto.randomUUID(), at, kind, text, node: await context.config('node_id') });
};
`;

const SCHEMAS = [
  'schemas:',
  schema(
    'run',
    [property('at', 'integer'), property('kind', 'string'), property('text', 'string'), property('node', 'string')],
    ['metadata: {nosync: true}'],
  ),
  schema('net', [property('name', 'string')], ['metadata: {state_versioning: true}']).replace('prefix: /t', 'prefix: /v1'),
  'extensions:',
  extension('runs', '^(cron://tick|sync://jobs)$', NOTES, 'typescript'),
].join('\n');

let postgres: PostgresServer;
let servers: EtcdServers;
let etcd: Etcd;
before(async () => {
  [postgres, servers] = await Promise.all([startPostgres(), startEtcd()]);
  etcd = openEtcd(servers.endpoints);
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
  await postgres.stop();
});

/** Gateways of one database and one etcd, named `a`, `b`, …; ended with the test. */
async function startNodes(
  count: number,
  settings: Readonly<Record<string, unknown>>,
): Promise<AsyncDisposable & { readonly nodes: readonly Gateway[] }> {
  for (const prefix of ['/gohan/', '/config/', '/jobs/']) await etcd.delete({ prefix });
  const database = { type: 'postgresql', connection: await postgres.createDatabase(), max_open_conn: 8 };
  const nodes: Gateway[] = [];
  for (let i = 0; i < count; i += 1) {
    const config = {
      log_level: 'warn',
      node_id: String.fromCharCode(97 + i),
      database,
      schemas: ['./schemas.yaml'],
      keystone: { fake: true },
      etcd: servers.endpoints,
      sync_writer: { leader_ttl: `${TTL_MS}ms`, poll: '500ms', backoff: '500ms' },
      ...settings,
    };
    nodes.push(await startGateway({ config, files: { 'schemas.yaml': SCHEMAS } }));
  }
  return {
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

const HEADERS = { 'x-auth-token': 'admin_token', 'content-type': 'application/json' };

interface Run {
  readonly kind: string;
  readonly text: string;
  readonly node: string;
}

async function runsOf({ proxyUrl }: Gateway, kind: string): Promise<readonly Run[]> {
  const answer = await ask(`${proxyUrl}/t/runs?kind=${encodeURIComponent(kind)}&sort_key=at&sort_order=asc&limit=1000`, {
    headers: HEADERS,
  });
  return answer.json<{ runs: readonly Run[] }>().runs;
}

test('a job runs once for each time, on one node, and on another one when that is killed', async () => {
  await using fleet = await startNodes(2, { cron: [{ path: 'cron://tick', timing: '* * * * * *' }] });
  const [one, two] = fleet.nodes as [Gateway, Gateway];
  const enough = (from: string, count: number, where: Gateway) => async (): Promise<boolean> =>
    (await runsOf(where, 'cron://tick')).filter(({ node }) => node === from).length >= count;
  const first = await until('it ran', async () => (await runsOf(one, 'cron://tick'))[0]?.node);
  const office = async () => (await etcd.range({ key: CRON_KEY })).kvs[0];
  const taken = await office();
  const [victim, survivor, heir] = first === 'a' ? ([one, two, 'b'] as const) : ([two, one, 'a'] as const);
  await until('it ran three times', enough(first, 3, survivor));
  // A lease that ran out on a busy machine hands the job on.
  if (taken?.value.toString().startsWith(first) === true && (await office())?.createRevision === taken.createRevision)
    assert.deepEqual([...new Set((await runsOf(survivor, 'cron://tick')).map(({ node }) => node))], [first]);
  await victim.kill();
  await until('the other one runs it', enough(heir, 2, survivor));
  // One that begins late may run in the second of the next one; two nodes that ran it would have run it twice as often.
  const seconds = (await runsOf(survivor, 'cron://tick')).map(({ text }) => Number(text));
  const times = Math.max(...seconds) - Math.min(...seconds) + 2;
  assert.ok(seconds.length <= times, `no time twice: ${seconds.join(' ')}`);
  const { data: jobs } = (await survivor.admin('GET', '/api/v1/sync/cron')).json<{ data: { last: { node: string; outcome: string } }[] }>();
  assert.match(jobs[0]?.last.node ?? '', new RegExp(`^${heir}-`));
  assert.equal(jobs[0]?.last.outcome, 'ok');
});

test('events of a watched key come in order, and go on where they were left when the node is killed', async () => {
  await using fleet = await startNodes(2, { watch: { keys: ['/jobs/'], events: ['jobs'] } });
  const [one, two] = fleet.nodes as [Gateway, Gateway];
  const events = 60;
  const seen = async (where: Gateway): Promise<readonly number[]> =>
    (await runsOf(where, '/jobs/x')).map(({ text }) => Number(text.slice('set '.length)));
  // What was there before anybody watched is not told, so the watch must have begun.
  await until('the key is watched', async () => {
    await etcd.put('/jobs/first', '{}');
    return (await runsOf(one, '/jobs/first')).length > 0;
  });
  for (let n = 1; n <= events / 2; n += 1) await etcd.put('/jobs/x', JSON.stringify({ n }));
  const [run] = await until('some are told', async () => {
    const runs = await runsOf(one, '/jobs/x');
    return runs.length > 3 && runs;
  });
  const [victim, survivor] = run?.node === 'a' ? [one, two] : [two, one];
  await victim.kill();
  for (let n = events / 2 + 1; n <= events; n += 1) await etcd.put('/jobs/x', JSON.stringify({ n }));
  await etcd.delete({ key: '/jobs/x' });
  await until('the last one is told', async () => (await runsOf(survivor, '/jobs/x')).some(({ text }) => text === 'delete '));
  // One that was handled when its node was killed comes again; nothing is left out or comes early.
  const first = [...new Set((await seen(survivor)).filter((n) => n > 0))];
  assert.deepEqual(
    first,
    Array.from({ length: events }, (_, i) => i + 1),
  );
});

test('three nodes: the leader is killed, another one goes on within the time of its lease', async (t) => {
  await using fleet = await startNodes(3, {});
  const witness = startWitness(etcd);
  const write = async ({ proxyUrl }: Gateway, id: string): Promise<boolean> => {
    const answer = await ask(`${proxyUrl}/v1/nets`, { method: 'POST', headers: HEADERS, body: { id, name: 'n' } });
    return answer.status === 201;
  };
  const leader = await until('a node leads', async () => (await etcd.range({ key: PUBLISHER_KEY })).kvs[0]?.value.toString()[0]);
  const victim = fleet.nodes['abc'.indexOf(leader)] ?? assert.fail(`the leader is ${leader}`);
  const others = fleet.nodes.filter((node) => node !== victim);
  let written = 0;
  const writing = async (node: Gateway, name: string, until_: () => boolean): Promise<void> => {
    for (let i = 0; !until_(); i += 1) if (await write(node, `${name}-${i}`)) written += 1;
  };
  let isOver = false;
  const writers = Promise.all(others.map((node, i) => writing(node, `n${i}`, () => isOver)));
  await until('it delivers', async () => (await presentKeys(etcd)).size > 20);
  const killedAt = performance.now();
  await victim.kill();
  await until('another one leads', async () => {
    const [kv] = (await etcd.range({ key: PUBLISHER_KEY })).kvs;
    return kv !== undefined && kv.value.toString()[0] !== leader;
  });
  const before = (await presentKeys(etcd)).size;
  await until('it delivers', async () => (await presentKeys(etcd)).size > before);
  const tookMs = performance.now() - killedAt;
  isOver = true;
  await writers;
  t.diagnostic(`delivered again ${Math.round(tookMs)} ms after the leader was killed (leader_ttl ${TTL_MS} ms)`);
  assert.ok(tookMs < TTL_MS + SLACK_MS, `${tookMs} ms`);
  await until('everything is there', async () => (await presentKeys(etcd)).size === written);
  await witness.close();
  assert.deepEqual(witness.faults(), []);
});
