import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { sendRaw } from '../support/raw-client.ts';

const NAMES_ITSELF = `export const requestHandler = (ctx: any) => ctx.response().send(ctx.namespace().name)`;

/** Puts a namespace whose `/who` answers with its name. */
async function putNamespace(gateway: Gateway, namespace: string): Promise<void> {
  if (namespace !== 'default') await gateway.put('namespace', { name: namespace });
  await deploy(gateway, 'who', { namespace, source: NAMES_ITSELF });
}

/** The namespace that serves `host`, or the status when none does. */
async function who(gateway: Gateway, host: string): Promise<string | number> {
  const { status, text } = await ask(`${gateway.proxyUrl}/who`, { headers: { host } });
  return status === 200 ? text : status;
}

test('namespaces are chosen by domain, priority, name, and default takes what no domain claims', async () => {
  await using gateway = await startGateway();
  await putNamespace(gateway, 'default');
  assert.equal(await who(gateway, 'anything.test'), 'default', 'the only namespace serves every host');

  for (const name of ['a', 'b', 'c', 'd']) await putNamespace(gateway, name);
  assert.equal(await who(gateway, 'anything.test'), 'default', 'without domains default serves, however many namespaces there are');

  await gateway.put('domain', { name: 'exact', namespace: 'a', patterns: ['a.test', 'A2.Test'] });
  await gateway.put('domain', { name: 'suffix', namespace: 'b', patterns: ['*.b.test'] });
  await gateway.put('domain', { name: 'prefix', namespace: 'c', patterns: ['api.*'], priority: 5 });
  await gateway.put('domain', { name: 'regex', namespace: 'd', patterns: ['/^v[0-9]+\\.test$/', '**part**'] });
  const hosts: Readonly<Record<string, string | number>> = {
    'a.test': 'a',
    'A.TEST:1234': 'a',
    'a2.test': 'a',
    'x.a.test': 'default',
    'x.B.test': 'b',
    'b.test': 'default',
    'api.b.test': 'c',
    'api.anything': 'c',
    'v12.test': 'd',
    'v.test': 'default',
    'has-part-inside': 'd',
    'a.test.': 'a',
  };
  for (const [host, namespace] of Object.entries(hosts)) assert.equal(await who(gateway, host), namespace, host);

  await gateway.put('domain', { name: 'zz', namespace: 'd', patterns: ['a.test'] });
  assert.equal(await who(gateway, 'a.test'), 'd', 'of equal priority the later name is asked first');
  await gateway.put('domain', { name: 'exact', namespace: 'a', patterns: ['a.test'], priority: 1 });
  assert.equal(await who(gateway, 'a.test'), 'a', 'priority before name');
  assert.equal(await who(gateway, 'a2.test'), 'default', 'a pattern that is gone matches no more');

  await gateway.put('domain', { name: 'mine', namespace: 'default', patterns: ['mine.test'] });
  assert.equal(await who(gateway, 'mine.test'), 'default');
  assert.equal(await who(gateway, 'other.test'), 404, 'once default has a domain it serves only that');
  const gone = await gateway.admin('DELETE', '/api/v1/domain', { name: 'mine' });
  assert.equal(gone.status, 202);
  assert.equal(await who(gateway, 'other.test'), 'default');

  await gateway.put('namespace', { name: 'empty' });
  await gateway.put('domain', { name: 'e', namespace: 'empty', patterns: ['empty.test'] });
  assert.equal(await who(gateway, 'empty.test'), 404, 'a namespace without routes');
});

test('without a default namespace: one namespace serves all, several need domains; strict mode closes the connection', async () => {
  await using gateway = await startGateway({ config: { disable_default_namespace: true } });
  await putNamespace(gateway, 'one');
  assert.equal(await who(gateway, 'x.test'), 'one');
  await putNamespace(gateway, 'two');
  assert.equal(await who(gateway, 'x.test'), 404, 'two namespaces and no domain');
  await gateway.put('domain', { name: 'd', namespace: 'two', patterns: ['two.test'] });
  assert.equal(await who(gateway, 'two.test'), 'two');
  assert.equal(await who(gateway, 'x.test'), 404);

  await using strict = await startGateway({ config: { disable_default_namespace: true, proxy: { strict_mode: true } } });
  await putNamespace(strict, 'one');
  await strict.put('domain', { name: 'd', namespace: 'one', patterns: ['one.test'] });
  assert.equal(await who(strict, 'one.test'), 'one');
  const unknown = await sendRaw(strict.ports.proxy, 'GET /who HTTP/1.1\r\nHost: x.test\r\n\r\n');
  assert.equal(unknown.received, '');
  assert.notEqual(unknown.end, 'timeout');
  assert.equal(
    (await ask(`${strict.proxyUrl}/nothing`, { headers: { host: 'one.test' } })).status,
    404,
    'strict mode is about hosts, not paths',
  );
});

test('allowed_domains and redirect_https come between namespace and route', async () => {
  const lists = { allowed_domains: ['*ok.test', '/^127\\./'], redirect_https: ['secure.ok.test', 'go*'] };
  await using gateway = await startGateway({ config: { proxy: lists } });
  await putNamespace(gateway, 'default');
  assert.equal(await who(gateway, 'ok.test'), 'default');
  assert.equal(await who(gateway, 'Sub.OK.test'), 'default');
  assert.equal(await who(gateway, '127.0.0.1'), 'default');
  const refused = await ask(`${gateway.proxyUrl}/who`, { headers: { host: 'no.test' } });
  assert.equal(refused.status, 403);
  assert.equal((await ask(`${gateway.proxyUrl}/no-such-route`, { headers: { host: 'no.test' } })).status, 403, 'before the route');

  for (const method of ['GET', 'POST', 'DELETE']) {
    const moved = await ask(`${gateway.proxyUrl}/any/path?a=1&b=%2F`, { method, headers: { host: 'Secure.ok.test:8080' } });
    assert.equal(moved.status, 307, method);
    assert.equal(moved.headers.location, 'https://secure.ok.test/any/path?a=1&b=%2F');
  }
  assert.equal((await ask(`${gateway.proxyUrl}/who`, { headers: { host: 'go-there.ok.test' } })).status, 307);

  await gateway.put('domain', { name: 'd', namespace: 'default', patterns: ['ok.test'] });
  assert.equal(await who(gateway, 'no.test'), 404, 'a host without namespace is unknown before it is forbidden');
});
