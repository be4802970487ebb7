import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { SYNC_TIMEOUTS, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';
import { isAlive, readWorkers, startWithWorkers, untilServing } from '../support/workers.ts';

test('two workers serve as one gateway: changes, explain, modules, documents, metrics', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startWithWorkers();
  const url = await deploy(gateway, 'up', { urls: [upstream.url] });
  const [first, second] = await untilServing(gateway);
  assert.ok(first !== undefined && second !== undefined && first.pid !== second.pid);
  const ready = (await ask(`${gateway.adminUrl}/readyz`)).json();
  assert.deepEqual(ready.workers, { serving: 2, wanted: 2 });

  for (let i = 0; i < 40; i += 1) assert.equal((await ask(`${url}/x`)).status, 200);
  // A request is counted when it is over, which may be a moment after its answer was read.
  const metrics = await until('all are counted', async () => {
    const { text } = await gateway.admin('GET', '/metrics');
    return /^sekisho_requests_total\{namespace="default",route="up",.*status="200"\} 40$/m.test(text) && text;
  });
  assert.match(metrics, /^sekisho_request_duration_seconds_count\{namespace="default",route="up"\} 40$/m);
  assert.match(metrics, /^sekisho_workers\{state="serving"\} 2$/m);
  for (const name of ['supervisor', 'worker-1', 'worker-2'])
    assert.match(metrics, new RegExp(`^process_resident_memory_bytes\\{process="${name}"\\} \\d+$`, 'm'));
  await until('both have answered', async () => {
    const requests = (await readWorkers(gateway)).map((worker) => worker.requests);
    return requests.every((count) => count > 0) && requests.reduce((sum, count) => sum + count, 0) === 40;
  });

  // Read your writes in every worker, from the moment of the answer.
  for (let i = 0; i < 20; i += 1) {
    await gateway.put('route', { name: 'moving', paths: [`/moving/${i}`], methods: ['GET'], service: 'up' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(`${gateway.proxyUrl}/moving/${i}`)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal((await ask(`${gateway.proxyUrl}/moving/${i - 1}`)).status, 404);
  }
  const explained = await gateway.admin('GET', '/api/v1/explain?path=/up/y');
  assert.match(explained.text, /route \\"up\\"/);
});

test('module code of every worker has the same documents, collections and secrets; what does not build is refused', async () => {
  await using gateway = await startWithWorkers();
  await gateway.put('collection', { name: 'counts', visibility: 'public', schema: { type: 'object', required: ['n'] } });
  await gateway.put('secret', { name: 'word', data: 'sesame' });
  const source = `import { addDocument, getDocument, getSecret } from 'dgate/state'
  export const requestHandler = async (ctx: any) => {
    const { n } = (await getDocument('one', 'counts').catch(() => undefined))?.data ?? { n: 0 }
    await addDocument({ id: 'one', collection: 'counts', data: { n: n + 1 } })
    ctx.response().json({ n: n + 1 })
  }`;
  const url = await deploy(gateway, 'count', { source });
  const answers: string[] = [];
  for (let i = 0; i < 12; i += 1) answers.push((await ask(url)).text);
  assert.deepEqual(
    answers.map((text) => JSON.parse(text).n),
    Array.from({ length: 12 }, (_, i) => i + 1),
    gateway.log(),
  );
  const broken = await gateway.admin('PUT', '/api/v1/module', {
    name: 'count',
    payload: Buffer.from('export const requestHandler = (').toString('base64'),
  });
  assert.equal(broken.json().code, 'MODULE_COMPILE');
  assert.match(JSON.stringify(broken.json().errors), /count/);
  assert.equal((await ask(url)).status, 200);
  const programs = (await gateway.admin('GET', '/api/v1/modules/status')).json().data;
  assert.deepEqual(new Set(programs.map(({ worker }: { worker: number }) => worker)), new Set([1, 2]));
});

test('reload: what workers read counts at once, what a start reads is named, what is wrong changes nothing', async () => {
  await using upstream = await startUpstream();
  const config = (changes: Readonly<Record<string, unknown>>, proxy: Readonly<Record<string, unknown>> = {}) =>
    JSON.stringify({
      version: 'v1',
      workers: 2,
      access_log: false,
      ...SYNC_TIMEOUTS,
      storage: { type: 'memory' },
      admin: { host: '127.0.0.1', port: gateway.ports.admin },
      proxy: {
        host: '127.0.0.1',
        port: gateway.ports.proxy,
        init_resources: {
          services: [{ name: 'up', urls: [upstream.url] }],
          routes: [{ name: 'up', paths: ['/up/*'], methods: ['*'], service: 'up' }],
        },
        ...proxy,
      },
      ...changes,
    });
  await using gateway = await startWithWorkers();
  const before = await untilServing(gateway);
  const reload = async (text: string) => {
    gateway.write('sekisho.yaml', text);
    return await gateway.admin('POST', '/api/v1/reload');
  };

  const changed = await reload(config({ disable_metrics: true }, { global_headers: { 'X-New': 'yes' } }));
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(changed.json().data.later, ['disable_metrics', 'pid_file']);
  assert.deepEqual(changed.json().data.replaced, 2);
  assert.ok(changed.json().data.changed.includes('proxy.global_headers'));
  const answer = await ask(`${gateway.proxyUrl}/up/x`);
  assert.deepEqual([answer.status, answer.headers['x-new']], [200, 'yes']);
  const after = await untilServing(gateway);
  assert.ok(after.every(({ pid }) => !before.some((worker) => worker.pid === pid)));

  for (const [text, code] of [
    ['version: v1\nstorage: { type: memroy }\n', 'CONFIG_INVALID'],
    [config({}, { init_resources: { routes: [{ name: 'x', paths: ['/x'], methods: ['*'], service: 'none' }] } }), 'ENTITY_REFERENCE'],
  ] as const) {
    const refused = await reload(text);
    assert.equal(refused.json().code, code, refused.text);
    assert.deepEqual(
      (await untilServing(gateway)).map(({ pid }) => pid),
      after.map(({ pid }) => pid),
    );
    assert.equal((await ask(`${gateway.proxyUrl}/up/x`)).status, 200);
  }

  assert.equal((await reload(config({ workers: 3 }))).status, 200);
  assert.equal((await untilServing(gateway, 3)).length, 3);
  assert.equal((await reload(config({ workers: 1 }))).status, 200);
  await untilServing(gateway, 1);
  for (let i = 0; i < 12; i += 1) assert.equal((await ask(`${gateway.proxyUrl}/up/x`)).status, 200, 'every socket has an owner');
});

test('a port in use is told as ever, also when another gateway shares it', async () => {
  await using gateway = await startWithWorkers();
  await assert.rejects(
    startGateway({ config: { workers: 2, proxy: { port: gateway.ports.proxy } } }),
    /proxy\.port: cannot listen on .* in use/,
  );
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await assert.rejects(startGateway({ config: { workers: 1, admin: { port } } }), /admin\.port: cannot listen/);
  taken.close();
});

test('a program that does not come up takes nothing over', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startWithWorkers({ config: { storage: { type: 'file', dir: './state' } } });
  const url = await deploy(gateway, 'up', { urls: [upstream.url] });
  const pid = gateway.pid();
  const good = await ask(`${gateway.adminUrl}/readyz`);
  gateway.write('sekisho.yaml', 'version: v1\nstorage: { type: memroy }\n');
  assert.equal((await gateway.admin('POST', '/api/v1/upgrade')).status, 202);
  const { upgradeError } = await until(
    'it is told',
    async () =>
      (await gateway.admin('GET', '/api/v1/status')).json().data.upgradeError && (await gateway.admin('GET', '/api/v1/status')).json().data,
  );
  assert.match(upgradeError, /memroy|has a problem/);
  assert.equal(gateway.pid(), pid);
  assert.equal((await ask(url)).status, 200);
  assert.equal((await ask(`${gateway.adminUrl}/readyz`)).json().revision, good.json().revision);
  await gateway.put('route', { name: 'next', paths: ['/next'], methods: ['GET'], service: 'up' });
});

test('SIGTERM ends all of it, exit code 0; one process does without workers, and replaces none at a reload', async () => {
  await using gateway = await startWithWorkers();
  const workers = await untilServing(gateway);
  assert.equal(await gateway.stop(), 0);
  for (const { pid } of workers) assert.ok(!isAlive(pid));
  await using alone = await startGateway();
  assert.deepEqual(await readWorkers(alone), []);
  assert.deepEqual((await alone.admin('POST', '/api/v1/reload')).json().data, { changed: [], later: [], replaced: 0 });
});
