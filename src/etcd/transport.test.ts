import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { post, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { startTcpFaultProxy } from '../../test/support/tcp-fault-proxy.ts';
import { until } from '../../test/support/until.ts';
import type { Event } from '../lib/event.ts';
import { createEtcd } from './client.ts';

const portOf = (endpoint: string | undefined): number => Number(new URL(endpoint ?? '').port);

test('dead endpoints are passed over, told once, and told again when they answer', async (t) => {
  await using servers = await startEtcd();
  const [port = 0] = await findFreePorts(1);
  const events: Event[] = [];
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  const endpoints = [`127.0.0.1:${port}`, `http://127.0.0.1:${proxy.port}`];
  const etcd = createEtcd({ endpoints, timeoutMs: 5000 }, { observe: (event) => events.push(event) });
  t.after(() => etcd.close());
  for (let i = 0; i < 20; i += 1) await etcd.put('/a', String(i));
  assert.equal((await etcd.range({ key: '/a' })).kvs[0]?.version, 20, 'a write that reached nobody was made once elsewhere');
  await proxy.refuse();
  // A read first: a write might still meet a connection that was just broken, and then nobody knows.
  await assert.rejects(etcd.range({ key: '/a' }), { code: 'ETCD_UNAVAILABLE' });
  await assert.rejects(etcd.put('/a', 'x'), { code: 'ETCD_UNAVAILABLE', message: /ECONNREFUSED/ });
  await proxy.accept();
  await etcd.put('/a', 'y');
  const told = events.flatMap((event) => (event.type === 'etcd.endpoint' && event.endpoint === endpoints[1] ? [event.answers] : []));
  assert.deepEqual(told, [false, true]);
});

test('a write that is given up while nobody takes it was not carried out, also when a login is waited for', async (t) => {
  const [port = 0] = await findFreePorts(1);
  for (const user of [{}, { username: 'u', password: 'p' }]) {
    const etcd = useEtcd(t, { endpoints: [`127.0.0.1:${port}`], timeoutMs: 60_000, ...user });
    const signal = AbortSignal.timeout(100);
    await assert.rejects(etcd.txn({ success: [] }, signal), { code: 'ETCD_UNAVAILABLE' });
    await assert.rejects(etcd.range({ key: 'a' }, AbortSignal.timeout(100)), { name: 'TimeoutError' });
  }
});

test('a write whose answer is lost has an unknown outcome, and is made once at most', async (t) => {
  await using servers = await startEtcd();
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  const direct = useEtcd(t, { endpoints: servers.endpoints });
  const etcd = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`], timeoutMs: 10_000 });
  proxy.cutAfter(20);
  for (let i = 0; i < 10; i += 1) {
    await assert.rejects(etcd.put(`/k${i}`, 'x'), { code: 'ETCD_UNKNOWN_OUTCOME' });
    const kv = (await direct.range({ key: `/k${i}` })).kvs[0];
    assert.ok(kv === undefined || kv.version === 1);
  }
});

test('a read whose answer is lost is asked again elsewhere', async (t) => {
  await using servers = await startEtcd();
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  proxy.cutAfter(20);
  for (let i = 0; i < 10; i += 1) {
    const etcd = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`, ...servers.endpoints] });
    assert.equal((await etcd.range({ key: '/a' })).count, 0);
  }
  assert.ok(proxy.total > 0);
});

test('a member that hangs costs a read its share of the time, and a write its outcome', async (t) => {
  await using servers = await startEtcd();
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  proxy.stall();
  const hung = `127.0.0.1:${proxy.port}`;
  const single = useEtcd(t, { endpoints: [hung], timeoutMs: 2000 });
  await assert.rejects(single.put('/a', 'x'), { code: 'ETCD_UNKNOWN_OUTCOME' });
  await assert.rejects(single.range({ key: '/a' }), { code: 'ETCD_UNAVAILABLE' });
  const both = useEtcd(t, { endpoints: [hung, ...servers.endpoints], timeoutMs: 4000 });
  for (let i = 0; i < 4; i += 1) assert.equal((await both.range({ key: '/a' })).kvs[0]?.version, 1);
});

test('authentication: a token is got, and renewed when etcd has forgotten it', async (t) => {
  await using servers = await startEtcd({ auth: true });
  const { endpoints, username = '', password = '' } = servers;
  const etcd = useEtcd(t, { endpoints, username, password });
  await etcd.put('/a', '1');
  const seen: string[] = [];
  const watch = etcd.watch({
    prefix: '/a',
    onList: (list) => void seen.push(`list ${list.kvs[0]?.value.toString()}`),
    onEvents: (events) => void seen.push(...events.map((event) => event.kv.value.toString())),
  });
  await watch.ready;
  // Its tokens are in memory: they die with it.
  await servers.members[0]?.kill();
  await servers.members[0]?.start();
  await etcd.put('/a', '2');
  await until('the watch is back', () => seen.some((line) => line === 'list 2' || line === '2'));
  // The store of users changes: all tokens are of an old revision.
  const { token } = await post(endpoints[0] ?? '', '/v3/auth/authenticate', { name: username, password });
  await post(endpoints[0] ?? '', '/v3/auth/user/add', { name: 'guest', password: 'guest' }, { token });
  await Promise.all(Array.from({ length: 20 }, (_, i) => etcd.put(`/a${i}`, '3')));
  const wrong = useEtcd(t, { endpoints, username, password: 'wrong' });
  await assert.rejects(wrong.put('/a', 'x'), { code: 'ETCD_DENIED' });
  const nobody = useEtcd(t, { endpoints });
  await assert.rejects(nobody.put('/a', 'x'), { code: 'ETCD_DENIED' });
  const guest = useEtcd(t, { endpoints, username: 'guest', password: 'guest' });
  await assert.rejects(guest.put('/a', 'x'), { code: 'ETCD_DENIED', message: /permission denied/ });
});

test('a user name is of no harm where authentication is off', async (t) => {
  await using servers = await startEtcd();
  const etcd = useEtcd(t, { endpoints: servers.endpoints, username: 'root', password: 'x' });
  await etcd.put('/a', '1');
});

test('TLS: the certificate is checked against the authority given', async (t) => {
  await using servers = await startEtcd({ tls: true });
  const { endpoints, certificate } = servers;
  const ca = certificate?.cert ?? '';
  const etcd = useEtcd(t, { endpoints, tls: { ca } });
  await etcd.put('/a', '1');
  const watch = etcd.watch({ prefix: '/a', onList: () => undefined, onEvents: () => undefined });
  await watch.ready;
  const strict = useEtcd(t, { endpoints, timeoutMs: 3000 });
  await assert.rejects(strict.put('/a', 'x'), { code: 'ETCD_UNAVAILABLE', message: /self-signed/ });
  const lax = useEtcd(t, { endpoints, tls: { skipVerify: true } });
  assert.equal((await lax.range({ key: '/a' })).kvs[0]?.version, 1, 'nothing of the refused write was sent');
});

test('TLS: a certificate is shown where etcd asks for one', async (t) => {
  await using servers = await startEtcd({ tls: 'mutual' });
  const { endpoints, certificate } = servers;
  assert.ok(certificate);
  const etcd = useEtcd(t, { endpoints, tls: { ca: certificate.cert, cert: certificate.cert, key: certificate.key } });
  await etcd.put('/a', '1');
  const without = useEtcd(t, { endpoints, tls: { ca: certificate.cert }, timeoutMs: 3000 });
  await assert.rejects(without.range({ key: '/a' }), { code: 'ETCD_UNAVAILABLE', message: /certificate/ });
});

test('what is no etcd is told as such', async (t) => {
  const server = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const etcd = useEtcd(t, { endpoints: [`127.0.0.1:${(server.address() as AddressInfo).port}`] });
  await assert.rejects(etcd.range({ key: 'a' }), { code: 'ETCD_FAILED', message: /client port of etcd/ });
  server.close();
});
