import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';
import { untilServing } from '../support/workers.ts';

const FILES = {
  'schemas.yaml': [
    'schemas:',
    schema('thing', [property('name', 'string')], ['actions: {spin: {method: POST, path: /spin}, word: {method: POST, path: /word}}']),
    'extensions:',
    extension(
      'thing',
      '^/t/things$',
      `gohan_register_handler("spin", function (context) { while (true) {} });
       gohan_register_handler("word", function (context) { context.response = "word"; });`,
    ),
  ].join('\n'),
};
const CONFIG = {
  database: { type: 'sqlite3', connection: './data.db' },
  schemas: ['./schemas.yaml'],
  keystone: { fake: true },
  extension: { timelimit: 4, sync_timeout: '3s', quarantine_kills: 1 },
};

interface Row {
  readonly name: string;
  readonly state: string;
  readonly kills: number;
  readonly worker?: number;
}

const act = (gateway: Gateway, name: string): Promise<Answer> =>
  ask(`${gateway.proxyUrl}/t/things/${name}`, { method: 'POST', headers: { 'x-auth-token': 'admin_token' } });
const rowsOf = async (gateway: Gateway): Promise<readonly Row[]> =>
  (await gateway.admin('GET', '/api/v1/extensions/status')).json().data.environments;
const release = async (gateway: Gateway, name: string): Promise<Answer> =>
  await gateway.admin('POST', '/api/v1/extensions/release', { name });

test('what extensions do is shown and counted; their quarantine is lifted', async () => {
  await using gateway = await startGateway({ config: CONFIG, files: FILES });
  assert.equal((await act(gateway, 'word')).text, '"word"');
  const { environments, threads, waiting } = (await gateway.admin('GET', '/api/v1/extensions/status')).json().data;
  assert.deepEqual(
    environments.map(({ name, extensions, events, state, calls }: Row & Record<string, unknown>) => [
      name,
      extensions,
      events,
      state,
      calls,
    ]),
    [['thing', ['thing'], ['spin', 'word'], 'ready', 1]],
  );
  assert.deepEqual([threads.length, threads[0].kind, waiting], [1, 'exclusive', 0]);
  assert.deepEqual((await release(gateway, 'thing')).json().data, { released: false });

  assert.equal((await act(gateway, 'spin')).status, 504);
  await until('it is in quarantine', async () => (await rowsOf(gateway))[0]?.state === 'quarantined');
  assert.equal((await act(gateway, 'word')).json().code, 'EXTENSION_QUARANTINED');
  const summary = (await gateway.admin('GET', '/api/v1/status')).json().data.extensions;
  assert.deepEqual([summary.environments, summary.quarantined], [1, ['thing']]);
  assert.deepEqual((await release(gateway, 'thing')).json().data, { released: true });
  assert.equal((await act(gateway, 'word')).status, 200);
  assert.equal((await release(gateway, 'none')).status, 404);

  const lines = [
    'sekisho_extension_events_total{environment="thing",event="word",outcome="ok"} 2',
    'sekisho_extension_events_total{environment="thing",event="word",outcome="refused"} 1',
    'sekisho_extension_events_total{environment="thing",event="spin",outcome="timeout"} 1',
    'sekisho_extension_duration_seconds_count{environment="thing",event="spin"} 1',
    'sekisho_extension_threads_total{kind="exclusive",state="killed"} 1',
    'sekisho_extension_quarantines_total{environment="thing",state="quarantined"} 1',
    'sekisho_extension_quarantines_total{environment="thing",state="released"} 1',
    'sekisho_extension_waiting 0',
  ];
  for (const line of lines)
    await until(`metrics tell ${line}`, async () => (await gateway.admin('GET', '/metrics')).text.includes(`\n${line}\n`));
});

test('with workers those of each are shown, and released in all', async () => {
  await using gateway = await startGateway({ config: { ...CONFIG, workers: 2 }, files: FILES });
  await untilServing(gateway);
  const own = await rowsOf(gateway);
  assert.deepEqual(
    new Set(own.map(({ name, worker }) => `${name} of ${worker ?? 'the supervisor'}`)),
    new Set(['thing of the supervisor', 'thing of 1', 'thing of 2']),
  );
  for (let isThere = false; !isThere; isThere = (await rowsOf(gateway)).some(({ state }) => state === 'quarantined'))
    assert.ok([504, 503].includes((await act(gateway, 'spin')).status));
  const [quarantined] = (await rowsOf(gateway)).filter(({ state }) => state === 'quarantined');
  assert.ok((quarantined?.worker ?? 0) > 0);
  assert.deepEqual((await release(gateway, 'thing')).json().data, { released: true });
  assert.deepEqual(new Set((await rowsOf(gateway)).map(({ state }) => state)), new Set(['ready']));
});
