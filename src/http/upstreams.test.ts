import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { callUpstream, toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { until } from '../../test/support/until.ts';
import { createUpstreams } from './upstreams.ts';

test('equal options share an upstream, different ones do not', () => {
  const upstreams = createUpstreams();
  const options = toUpstreamOptions(80);
  const upstream = upstreams.get(options);
  assert.equal(upstreams.get({ ...options }), upstream);
  for (const change of [
    { tlsSkipVerify: true },
    { connectTimeoutMs: 1 },
    { port: 81 },
    { hostname: 'b.test' },
    { scheme: 'h2c' },
  ] as const) {
    assert.notEqual(upstreams.get({ ...options, ...change }), upstream);
  }
  assert.equal(upstream.origin, 'http://127.0.0.1:80');
  upstreams.close();
});

test('an upstream that nobody uses any more is collected when its connections have ended', async (t) => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  let connections = 0;
  const server = createServer((_request, response) => response.end('ok'));
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const options = toUpstreamOptions((server.address() as AddressInfo).port);
  const upstreams = createUpstreams({ idleTimeoutMs: 2000 });
  t.after(() => upstreams.close());

  const use = async (): Promise<WeakRef<object>> => {
    const upstream = upstreams.get(options);
    await callUpstream(upstream);
    return new WeakRef(upstream);
  };
  const reference = await use();
  collect();
  assert.equal((await use()).deref(), reference.deref(), 'its idle connection keeps it');
  assert.equal(connections, 1);
  await until('the upstream is collected', () => {
    collect();
    return reference.deref() === undefined;
  });
  await use();
  assert.equal(connections, 2);
});
