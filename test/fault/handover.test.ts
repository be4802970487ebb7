import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deploy } from '../support/deploy.ts';
import type { Gateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';
import { isAlive, startWithWorkers, untilServing } from '../support/workers.ts';

/** How often the program is handed over, and the configuration read, in one test; `SEKISHO_HANDOVERS=20` for the long form. */
const TIMES = Number(process.env['SEKISHO_HANDOVERS'] ?? 3);

/** Hands over by a signal and waits until the process before is gone. */
async function handOver(gateway: Gateway): Promise<void> {
  const before = gateway.pid();
  process.kill(before, 'SIGUSR2');
  await until('another process has taken over', () => gateway.pid() !== before);
  await until('the one before has ended', () => !isAlive(before));
  await untilServing(gateway);
}

for (const type of ['memory', 'file']) {
  test(`SIGUSR2 hands over under load ${TIMES} times without a failed request; the state of a ${type} store goes along`, async () => {
    await using upstream = await startUpstream();
    await using gateway = await startWithWorkers({ config: { storage: { type, ...(type === 'file' && { dir: './state' }) } } });
    const url = await deploy(gateway, 'up', { urls: [upstream.url] });
    await gateway.put('collection', { name: 'notes', visibility: 'public' });
    await gateway.put('document', { id: 'one', collection: 'notes', data: { text: 'kept' } });
    await using load = startLoad(`${url}/x`);
    await until('the load runs', () => load.count > 50);
    for (let i = 0; i < TIMES; i += 1) await handOver(gateway);
    await load.stop();
    assert.deepEqual(load.failures, [], `${load.failures.length} of ${load.count} failed\n${gateway.log()}`);
    const document = await gateway.admin('GET', '/api/v1/document/one?collection=notes');
    assert.equal(document.json().data.data.text, 'kept');
    assert.equal(readFileSync(join(gateway.folder, 'sekisho.pid'), 'utf8'), `${gateway.pid()}\n`);
    assert.equal((await gateway.admin('GET', '/api/v1/status')).json().data.revision, 3);
  });
}

test(`SIGHUP replaces all workers under load ${TIMES} times without a failed request; the process stays`, async () => {
  await using upstream = await startUpstream();
  await using gateway = await startWithWorkers();
  const url = await deploy(gateway, 'up', { urls: [upstream.url] });
  await using load = startLoad(`${url}/x`);
  await until('the load runs', () => load.count > 50);
  const pid = gateway.pid();
  for (let i = 0; i < TIMES; i += 1) {
    const before = (await untilServing(gateway)).map((worker) => worker.pid);
    process.kill(pid, 'SIGHUP');
    await until('other workers serve', async () => (await untilServing(gateway)).every((worker) => !before.includes(worker.pid)));
  }
  await load.stop();
  assert.deepEqual(load.failures, [], `${load.failures.length} of ${load.count} failed\n${gateway.log()}`);
  assert.equal(gateway.pid(), pid);
});
