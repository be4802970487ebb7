import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Etcd } from '../../src/etcd/types.ts';
import { type Answer, ask } from '../support/client.ts';
import { startEtcd } from '../support/etcd.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { startPostgres } from '../support/postgres.ts';
import { openEtcd } from '../support/sync.ts';
import { PATIENCE_MS, until } from '../support/until.ts';

/** A row tells what a handler saw; one is written in the transaction that stores the report. */
const MODULE = `
const note = (context, event, value) =>
  context.tx.create('mark', { id: 'page ' + event + ' of ' + context.resource.id + ' ' + context.config_version, text: JSON.stringify(value) });
export const preStateUpdateInTransaction = async (context) => {
  await note(context, 'pre_state', context.state);
  if (context.state.state === 'closed' && (await context.tx.list('mark', { id: 'open' })).length === 0) throw new Error('it is closed');
  context.state = { ...context.state, state: context.state.state + '!' };
};
export const postStateUpdateInTransaction = (context) => note(context, 'post_state', context.state);
export const preMonitoringUpdateInTransaction = async (context) => {
  await note(context, 'pre_monitoring', context.monitoring);
  context.monitoring = 'seen ' + context.monitoring;
};
export const postMonitoringUpdateInTransaction = (context) => note(context, 'post_monitoring', context.monitoring);
export const state = async (context) => {
  context.response = await context.tx.state('page', context.id);
};
export const secret = async (context) => {
  context.response = { ours: await context.secrets.get('ours'), none: await context.secrets.get('none') };
};
`;

const GOHAN = `
function note(context, event, value) {
  gohan_db_create(context.transaction, "mark",
    {id: "disk " + event + " of " + context.resource.id + " " + context.config_version, text: JSON.stringify(value)});
}
gohan_register_handler("pre_state_update_in_transaction", function (context) {
  note(context, "pre_state", context.state);
  if (context.state.state === "closed" && gohan_db_list(context.transaction, "mark", {id: "open"}).length === 0) {
    throw new CustomException("it is closed", 409);
  }
  context.state.state += "!";
});
gohan_register_handler("post_state_update_in_transaction", function (context) { note(context, "post_state", context.state); });
gohan_register_handler("pre_monitoring_update_in_transaction", function (context) {
  note(context, "pre_monitoring", context.monitoring);
  context.monitoring = "seen " + context.monitoring;
});
gohan_register_handler("post_monitoring_update_in_transaction", function (context) { note(context, "post_monitoring", context.monitoring); });
gohan_register_handler("state", function (context) {
  context.response = gohan_db_state_fetch(context.transaction || null, "disk", context.id, "");
});
gohan_register_handler("watch", function (context) { context.response = gohan_sync_watch("/later/", 10000, context.input.from); });
gohan_register_handler("sync", function (context) {
  var input = context.input;
  gohan_sync_update("/theirs/a", input.value);
  gohan_sync_update("/theirs/b", JSON.stringify({n: 2}));
  var fetched = gohan_sync_fetch("/theirs/a");
  var held = gohan_sync_watch("/theirs/", 5000, fetched.revision);
  var next = gohan_sync_watch("/theirs/", 5000, held.revision + 1);
  gohan_sync_update("/theirs/b/c", "below");
  var tree = gohan_sync_fetch("/theirs");
  gohan_sync_delete("/theirs/b/c");
  var silent = gohan_sync_watch("/theirs/silent", 50, 0);
  gohan_sync_delete("/theirs/a");
  var missing;
  try { gohan_sync_fetch("/theirs/a"); } catch (error) { missing = error.message; }
  gohan_sync_update("/theirs/below/c", "c");
  gohan_sync_delete("/theirs/below/", true);
  context.response = {fetched: fetched, held: held, next: next, tree: tree, silent: silent, missing: missing};
});
`;

const ACTION = 'description: a';
const SCHEMAS = [
  'schemas:',
  schema('mark', [property('text', 'string')], ['metadata: {nosync: true}']),
  schema(
    'page',
    [property('name', 'string')],
    [
      'metadata: {state_versioning: true}',
      `actions: {state: {method: GET, path: /:id/state, ${ACTION}}, secret: {method: GET, path: /:id/secret, ${ACTION}}}`,
    ],
  ),
  schema(
    'disk',
    [property('name', 'string')],
    [
      'metadata: {state_versioning: true}',
      `actions: {state: {method: GET, path: /:id/state, ${ACTION}}, sync: {method: POST, path: /sync, ${ACTION}, input: {type: object}}, watch: {method: POST, path: /watch, ${ACTION}, input: {type: object}}}`,
    ],
  ),
  'extensions:',
  extension('page', '^/t/pages$', MODULE, 'typescript'),
  extension('disk', '^/t/disks$', GOHAN),
].join('\n');

interface Scene {
  readonly gateway: Gateway;
  readonly etcd: Etcd;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
}

async function withGateway(settings: Readonly<Record<string, unknown>>, body: (scene: Scene) => Promise<void>): Promise<void> {
  await using servers = await startEtcd();
  const etcd = openEtcd(servers.endpoints);
  try {
    await using gateway = await startGateway({
      config: {
        log_level: 'info',
        ...settings,
        schemas: ['./schemas.yaml'],
        keystone: { fake: true },
        etcd: servers.endpoints,
        sync_writer: { leader_ttl: '2s' },
        proxy: { init_resources: { secrets: [{ name: 'ours', namespace: 'default', data: 'hush' }] } },
      },
      files: { 'schemas.yaml': SCHEMAS },
    });
    const call: Scene['call'] = (method, path, content) =>
      ask(gateway.proxyUrl + path, {
        method,
        headers: { 'x-auth-token': 'admin_token', 'content-type': 'application/json' },
        body: content,
      });
    await body({ gateway, etcd, call });
  } finally {
    await etcd.close();
  }
}

async function proveReports({ gateway, etcd, call }: Scene, type: 'page' | 'disk'): Promise<void> {
  const url = `/t/${type}s`;
  const report = (kind: 'state' | 'monitoring', value: unknown) => etcd.put(`/state_watch/${kind}${url}/a`, JSON.stringify(value));
  const stored = async () => (await call('GET', `${url}/a/state`)).json<Record<string, unknown>>();
  const marks = async (): Promise<Record<string, string>> => {
    const { marks: rows } = (await call('GET', '/t/marks')).json<{ marks: { id: string; text: string }[] }>();
    return Object.fromEntries(
      rows.filter(({ id }) => id.startsWith(`${type} `)).map(({ id, text }) => [id.slice(5).replace(' of a', ''), text]),
    );
  };
  assert.equal((await call('POST', url, { id: 'a', name: 'one' })).status, 201);
  await report('state', { version: 1, error: '', state: 'up' });
  await until('the state is stored', async () => (await stored())['state_version'] === 1);
  await report('monitoring', { version: 1, monitoring: 'fast' });
  await until('monitoring is stored', async () => (await stored())['monitoring'] === 'seen fast');
  assert.deepEqual(await marks(), {
    'pre_state 1': '{"version":1,"error":"","state":"up"}',
    'post_state 1': '{"version":1,"error":"","state":"up!"}',
    'pre_monitoring 1': '"fast"',
    'post_monitoring 1': '"seen fast"',
  });
  assert.equal((await stored())['state'], 'up!');

  // A handler that refuses: what it wrote is undone, it is told, and the report is offered again.
  assert.equal((await call('PUT', `${url}/a`, { name: 'two' })).status, 200);
  const before = gateway.log().length;
  await report('state', { version: 2, error: '', state: 'closed' });
  // What failed for another reason, as without time to run, is offered again after a minute.
  await until('the refusal is told', () => new RegExp(`${url}/a.*it is closed`, 's').test(gateway.log().slice(before)), 2 * PATIENCE_MS);
  assert.equal((await stored())['state_version'], 1);
  assert.equal(Object.keys(await marks()).length, 4);
  const counted = new RegExp(`^sekisho_sync_reports_total\\{[^}]*schema="${type}"[^}]*failed.*$`, 'm');
  assert.match(counted.exec((await gateway.admin('GET', '/metrics')).text)?.[0] ?? '', / [1-9]\d*$/);
  assert.equal((await call('POST', '/t/marks', { id: 'open', text: '' })).status, 201);
  await gateway.kill();
  await gateway.restart();
  await until('it is offered again', async () => (await stored())['state_version'] === 2);
  assert.equal((await stored())['state'], 'closed!');
  assert.equal((await marks())['post_state 2'], '{"version":2,"error":"","state":"closed!"}');
  assert.equal((await call('DELETE', '/t/marks/open')).status, 204);
}

async function proveCalls({ etcd, call }: Scene): Promise<void> {
  assert.equal((await call('POST', '/t/pages', { id: 'b' })).status, 201);
  assert.deepEqual((await call('GET', '/t/pages/b/secret')).json(), { ours: 'hush', none: null });
  const answer = (await call('POST', '/t/disks/sync', { value: 'text' })).json();
  const { revision } = answer.fetched;
  const leaf = (key: string, value: string, at: number) => ({ key, value, revision: at, children: [] });
  assert.deepEqual(answer, {
    fetched: leaf('/theirs/a', 'text', revision),
    held: { action: 'get', key: '/theirs/a', data: {}, revision },
    next: { action: 'get', key: '/theirs/b', data: { n: 2 }, revision: answer.next.revision },
    tree: {
      ...leaf('/theirs', '', 0),
      children: [
        leaf('/theirs/a', 'text', revision),
        {
          ...leaf('/theirs/b', '{"n":2}', answer.next.revision),
          children: [leaf('/theirs/b/c', 'below', answer.tree.children[1].children[0].revision)],
        },
      ],
    },
    silent: {},
    missing: 'Failed to fetch sync: Key not found (/theirs/a)',
  });
  const watching = call('POST', '/t/disks/watch', { from: answer.next.revision + 1000 });
  await until('it is watched', async () => {
    await etcd.put('/later/a', '{"x":[1]}');
    return await Promise.race([watching, new Promise<undefined>((resolve) => setTimeout(resolve, 50, undefined))]);
  });
  const { action, key, data } = (await watching).json();
  assert.deepEqual([action, key, data], ['set', '/later/a', { x: [1] }]);
  const { kvs } = await etcd.range({ prefix: '/theirs/' });
  assert.deepEqual(
    kvs.map(({ key, value }) => [key, value.toString()]),
    [['/theirs/b', '{"n":2}']],
  );
}

describe('what workers report runs handlers in its transaction; scripts reach etcd and secrets', () => {
  test('one process on SQLite', async () => {
    await withGateway({ database: { type: 'sqlite3', connection: './models.db' } }, async (scene) => {
      await proveReports(scene, 'page');
      await proveReports(scene, 'disk');
      await proveCalls(scene);
    });
  });

  test('workers on PostgreSQL', async () => {
    const server = await startPostgres();
    try {
      await withGateway({ workers: 2, database: { type: 'postgresql', connection: await server.createDatabase() } }, async (scene) => {
        await proveReports(scene, 'page');
        await proveReports(scene, 'disk');
        await proveCalls(scene);
      });
    } finally {
      await server.stop();
    }
  });
});
