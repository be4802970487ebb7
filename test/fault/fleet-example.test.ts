import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { ETCD, ensureInstalled } from '../support/install.ts';
import { findFreeRange } from '../support/ports.ts';
import { POSTGRES_SERVER } from '../support/postgres.ts';
import { REPOSITORY } from '../support/source-files.ts';

test('run.sh shows a fleet and stops cleanly', async () => {
  ensureInstalled([ETCD, POSTGRES_SERVER]);
  const env = { ...process.env, PORTS: String(await findFreeRange(42)) };
  const script = spawn(`${REPOSITORY}/examples/fleet/run.sh`, ['--once'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [script.stdout, script.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => script.once('close', resolve));
  assert.equal(code, 0, output);
  for (const node of ['node-1', 'node-2', 'node-3']) assert.ok(output.includes(`hello from ${node}\n`), output);
  assert.match(output, /\{"stores":\[\{"name":"Happy Paws"\}\]\}/);
  assert.match(output, /^node-3 .* 3 .* 2\/2 .* changes/m);
});
