import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Answer, ask } from '../support/client.ts';
import { startEtcd } from '../support/etcd.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/worker', import.meta.url));
const ADMIN = { 'x-auth-token': 'admin_token' };

/** The example's worker program, ended with the test. */
function startWorker(etcd: string, folder: string): ChildProcess {
  return spawn(process.execPath, [join(EXAMPLE, 'worker.ts')], { env: { ETCD: etcd, PUBLIC: folder }, stdio: 'inherit' });
}

async function stop(worker: ChildProcess): Promise<void> {
  worker.kill();
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
}

test('the example of a worker: pages become files, states come back, and what was missed is caught up', async () => {
  await using etcd = await startEtcd();
  const [endpoint = ''] = etcd.endpoints;
  const files = Object.fromEntries(['site.yaml', 'state.ts'].map((name) => [name, readFileSync(join(EXAMPLE, name))]));
  const config = readFileSync(join(EXAMPLE, 'sekisho.yaml'), 'utf8').replace('./data/site.db', './site.db');
  await using gateway = await startGateway({ config, files, env: { ETCD: endpoint } });
  const folder = join(gateway.folder, 'public');
  const page = (method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(`${gateway.proxyUrl}/site/v1/pages${path}`, { method, headers: ADMIN, body });
  const isPublished = (id: string, version: number) =>
    until(`version ${version} of ${id} is published`, async () => {
      const state = (await page('GET', `/${id}/state`)).json<{ state_version: number; state: string }>();
      return state.state_version === version && state.state === 'published';
    });

  let worker = startWorker(endpoint, folder);
  try {
    assert.equal((await page('POST', '', { id: 'hello', title: 'Hello', text: '1 < 2' })).status, 201);
    await isPublished('hello', 1);
    assert.match(readFileSync(join(folder, 'hello.html'), 'utf8'), /<title>Hello<\/title>\n<p>1 &#60; 2<\/p>/);

    await stop(worker);
    assert.equal((await page('PUT', '/hello', { text: 'changed' })).status, 200);
    assert.equal((await page('POST', '', { id: 'second', title: 'Second' })).status, 201);
    assert.equal((await page('POST', '', { id: 'gone', title: 'Gone' })).status, 201);
    assert.equal((await page('DELETE', '/gone')).status, 204);
    worker = startWorker(endpoint, folder);
    await isPublished('hello', 2);
    await isPublished('second', 1);
    assert.match(readFileSync(join(folder, 'hello.html'), 'utf8'), /changed/);
    assert.ok(!existsSync(join(folder, 'gone.html')));

    assert.equal((await page('DELETE', '/second')).status, 204);
    await until('the file of a deleted page is gone', () => !existsSync(join(folder, 'second.html')));
  } finally {
    await stop(worker);
  }
});
