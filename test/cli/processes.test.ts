import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Gateway, SEKISHO_BIN, startGateway } from '../support/gateway.ts';
import { startWithWorkers, untilServing } from '../support/workers.ts';

/** Runs a command line against the gateway; not synchronously, so that what the gateway prints is read meanwhile. */
async function cli(
  gateway: Gateway,
  ...words: readonly string[]
): Promise<{ readonly exit: number; readonly out: string; readonly err: string }> {
  const child = spawn(SEKISHO_BIN, words, { env: { ...process.env, SEKISHO_ADMIN_API: gateway.adminUrl } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [exit] = (await once(child, 'close')) as [number];
  return { exit, out, err };
}

test('status shows the workers, reload and upgrade do what they say', async () => {
  await using gateway = await startWithWorkers();
  const workers = await untilServing(gateway);
  const status = await cli(gateway, 'status', '-o', 'json');
  assert.equal(status.exit, 0, status.err);
  const shown = JSON.parse(status.out) as { workers: { pid: number; state: string; restarts: number }[] };
  assert.deepEqual(
    shown.workers.map(({ pid, state, restarts }) => [pid, state, restarts]),
    workers.map(({ pid }) => [pid, 'serving', 0]),
  );

  const reloaded = await cli(gateway, 'reload', '-o', 'json');
  assert.deepEqual(JSON.parse(reloaded.out), { changed: [], later: [], replaced: 2 }, reloaded.err);

  const before = gateway.pid();
  const upgraded = await cli(gateway, 'upgrade', '-o', 'json');
  assert.equal(upgraded.exit, 0, upgraded.err);
  assert.deepEqual(JSON.parse(upgraded.out).pid, gateway.pid());
  assert.notEqual(gateway.pid(), before);

  gateway.write('sekisho.yaml', 'version: v1\nstorage: { type: memroy }\n');
  const [refused, failed] = [await cli(gateway, 'reload'), await cli(gateway, 'upgrade')];
  assert.deepEqual([refused.exit, failed.exit], [1, 1]);
  assert.match(refused.err, /memroy/);
  assert.match(failed.err, /the old process serves on: .*memroy|has a problem/);
});

test('one process without workers hands over, too', async () => {
  await using gateway = await startGateway({ config: { pid_file: './sekisho.pid' } });
  const before = gateway.pid();
  const { exit, out, err } = await cli(gateway, 'upgrade', '-o', 'json');
  assert.equal(exit, 0, err);
  assert.notEqual(gateway.pid(), before);
  assert.equal(JSON.parse(out).pid, gateway.pid());
});
