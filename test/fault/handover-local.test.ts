import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import type { Gateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';
import { isAlive, readWorkers, startWithWorkers, untilServing } from '../support/workers.ts';

/** How often the program is handed over in one test; `SEKISHO_HANDOVERS=20` for the long form. */
const TIMES = Number(process.env['SEKISHO_HANDOVERS'] ?? 3);

const SCHEMAS = `
schemas:
  - id: note
    singular: note
    plural: notes
    title: Note
    description: A note
    prefix: /v1.0
    schema:
      type: object
      properties:
        id: { title: Id, description: Its name, type: string, permission: [create] }
        text: { title: Text, description: What it says, type: string, permission: [create, update] }
policies:
  - id: all
    principal: '.*'
    action: '*'
    effect: allow
    resource: { path: '.*' }
`;
const MODELS = {
  database: { type: 'sqlite3', connection: './data.db' },
  schemas: ['./notes.yaml'],
  keystone: { use_keystone: true, fake: true },
};
const READS = `
import { getDocument } from 'sekisho/state';
export async function requestHandler(ctx: any) {
  const note = await getDocument<{ text: string }>('one', 'notes');
  return ctx.response().json({ text: note?.data.text });
}`;

/** Hands over by a signal and waits until the process before is gone and the next one takes admin calls. */
async function handOver(gateway: Gateway): Promise<void> {
  const before = gateway.pid();
  process.kill(before, 'SIGUSR2');
  await until('another process has taken over', () => gateway.pid() !== before);
  await until('the one before has ended', () => !isAlive(before));
  await until('the next one is ready', async () => (await gateway.admin('GET', '/readyz').catch(() => undefined))?.status === 200);
}

for (const type of ['memory', 'file']) {
  test(`one process hands over under load ${TIMES} times without a failed request: proxy, modules and models, with a ${type} store`, async () => {
    await using upstream = await startUpstream();
    const storage = { type, ...(type === 'file' && { dir: './state' }) };
    await using gateway = await startWithWorkers({ config: { workers: 0, storage, ...MODELS }, files: { 'notes.yaml': SCHEMAS } });
    const url = await deploy(gateway, 'up', { urls: [upstream.url] });
    await gateway.put('collection', { name: 'notes', visibility: 'public' });
    await gateway.put('document', { id: 'one', collection: 'notes', data: { text: 'kept' } });
    const module = await deploy(gateway, 'reads', { source: READS });
    assert.equal((await ask(module)).json().text, 'kept');
    const headers = { 'X-Auth-Token': 'admin_token' };
    const created = await ask(`${gateway.proxyUrl}/v1.0/notes`, { method: 'POST', body: { id: 'n', text: 'row' }, headers });
    assert.equal(created.status, 201, created.text);
    await using load = startLoad(`${url}/x`, { kept: 4, fresh: 4 });
    await using documents = startLoad(module, { kept: 2, fresh: 1 });
    await until('the load runs', () => load.count > 50 && documents.count > 10);
    for (let i = 0; i < TIMES; i += 1) await handOver(gateway);
    await Promise.all([load.stop(), documents.stop()]);
    assert.deepEqual(load.failures, [], `${load.failures.length} of ${load.count} failed\n${gateway.log()}`);
    assert.deepEqual(documents.failures, [], `${documents.failures.length} of ${documents.count} failed\n${gateway.log()}`);
    assert.equal((await gateway.admin('GET', '/api/v1/document/one?collection=notes')).json().data.data.text, 'kept');
    assert.equal((await ask(`${gateway.proxyUrl}/v1.0/notes/n`, { headers })).json().note.text, 'row');
    assert.equal(readFileSync(join(gateway.folder, 'sekisho.pid'), 'utf8'), `${gateway.pid()}\n`);
  });
}

test('one process hands over to workers, and workers to one process, when the configuration says so', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startWithWorkers({ config: { workers: 0 } });
  const url = await deploy(gateway, 'up', { urls: [upstream.url] });
  await using load = startLoad(`${url}/x`, { kept: 4, fresh: 4 });
  await until('the load runs', () => load.count > 50);
  const file = join(gateway.folder, 'sekisho.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"workers": 0', '"workers": 2'));
  await handOver(gateway);
  await untilServing(gateway, 2);
  writeFileSync(file, text);
  await handOver(gateway);
  assert.deepEqual(await readWorkers(gateway), []);
  await load.stop();
  assert.deepEqual(load.failures, [], `${load.failures.length} of ${load.count} failed\n${gateway.log()}`);
});

test('a next process that does not come up takes nothing over: state, modules and models go on', async () => {
  const config = { workers: 0, storage: { type: 'file', dir: './state' }, ...MODELS };
  await using gateway = await startWithWorkers({ config, files: { 'notes.yaml': SCHEMAS } });
  await gateway.put('collection', { name: 'notes', visibility: 'public' });
  await gateway.put('document', { id: 'one', collection: 'notes', data: { text: 'kept' } });
  const module = await deploy(gateway, 'reads', { source: READS });
  const pid = gateway.pid();
  const failed = async (why: RegExp): Promise<void> => {
    process.kill(pid, 'SIGUSR2');
    const { upgradeError } = await until('it is told', async () => {
      const answer = await gateway.admin('GET', '/api/v1/status').catch(() => undefined);
      const data = answer?.status === 200 ? answer.json().data : undefined;
      return why.test(data?.upgradeError) && data;
    });
    assert.match(upgradeError, why);
    assert.equal(gateway.pid(), pid);
  };
  const file = join(gateway.folder, 'sekisho.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"type": "file"', '"type": "memroy"'));
  await failed(/memroy|has a problem/);
  // This one takes the state, and ends when it can't listen.
  writeFileSync(file, text.replace(/\}\s*$/, ', "healthcheck": { "enabled": true, "address": "256.0.0.1:1" } }'));
  await failed(/does not serve/);
  assert.equal((await ask(module)).json().text, 'kept');
  await gateway.put('document', { id: 'one', collection: 'notes', data: { text: 'new' } });
  assert.equal((await ask(module)).json().text, 'new');
  await gateway.put('namespace', { name: 'later' });
  gateway.write('notes.yaml', SCHEMAS.replace('plural: notes', 'plural: notes2'));
  const headers = { 'X-Auth-Token': 'admin_token' };
  await until('files are followed', async () => (await ask(`${gateway.proxyUrl}/v1.0/notes2`, { headers })).status === 200);
  writeFileSync(file, text);
  await handOver(gateway);
  assert.equal((await ask(module)).json().text, 'new');
  assert.equal((await gateway.admin('GET', '/api/v1/namespace/later')).status, 200);
});

test('a database in memory does not outlive its process: the upgrade is refused', async () => {
  await using gateway = await startWithWorkers({
    config: { workers: 0, ...MODELS, database: { type: 'sqlite3', connection: ':memory:' } },
    files: { 'notes.yaml': SCHEMAS },
  });
  const refused = await gateway.admin('POST', '/api/v1/upgrade');
  assert.equal(refused.json().code, 'RELOAD_REFUSED');
  assert.match(refused.text, /database.*in memory/);
});
