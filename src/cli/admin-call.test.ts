import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, startAdminStub } from '../../test/support/admin-stub.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { VERSION } from '../lib/version.ts';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

test('the address comes from flag or environment, its scheme may be left out, its path and query stay', async () => {
  await using stub = await startAdminStub();
  const address = stub.url.slice('http://'.length);
  for (const argv of [
    ['--admin', stub.url],
    ['--admin', address],
  ])
    assert.equal((await runInProcess([...argv, 'ns', 'ls'])).exit, 0);
  for (const name of ['SEKISHO_ADMIN_API', 'DGATE_ADMIN_API'])
    assert.equal((await runInProcess(['ns', 'ls'], { env: { [name]: address } })).exit, 0);
  await runInProcess(['--admin', `${address}/gw/?key=k`, 'svc', 'ls', 'namespace=n']);
  assert.equal(stub.calls.at(-1)?.url, '/gw/api/v1/service?key=k&namespace=n');
  for (const bad of ['', 'ftp://x', 'http://']) {
    const { exit, err } = await runInProcess([`--admin=${bad}`, 'ns', 'ls']);
    assert.equal(exit, 2, bad);
    assert.match(err, /--admin/);
  }
});

test('credentials: basic with or without password, key, token; and who is calling', async () => {
  await using stub = await startAdminStub();
  const headers = async (argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { err } = await runInProcess(['--admin', stub.url, ...argv, 'ns', 'ls'], { env, password: 'typed' });
    const seen: Readonly<Record<string, unknown>> = { ...stub.calls.at(-1)?.headers, err };
    return seen;
  };
  assert.equal((await headers(['-a', 'u:p:q']))['authorization'], basic('u:p:q'));
  const asked = await headers(['-a', 'ann']);
  assert.equal(asked['authorization'], basic('ann:typed'));
  assert.equal(asked['err'], 'password for ann:');
  assert.equal((await headers([], { DGATE_ADMIN_AUTH: 'e:f' }))['authorization'], basic('e:f'));
  assert.equal((await headers(['--api-key', 'k']))['x-dgate-key'], 'k');
  assert.equal((await headers(['--api-key', 'k', '--api-key-header', 'X-Mine']))['x-mine'], 'k');
  assert.equal((await runInProcess(['--admin', stub.url, '--api-key', 'k', '--api-key-header', 'a b', 'ns', 'ls'])).exit, 2);
  assert.equal((await headers(['--token', 't']))['authorization'], 'Bearer t');
  assert.equal((await headers([]))['authorization'], undefined);
  assert.equal((await headers([]))['user-agent'], `sekisho-cli/${VERSION}`);
  const both = await runInProcess(['--admin', stub.url, '-a', 'u:p', '--token', 't', 'ns', 'ls']);
  assert.equal(both.exit, 2);
});

test('what the server says about an error is printed, field errors one per line, exit code 1', async () => {
  const bodies: readonly (readonly [unknown, string])[] = [
    [
      {
        detail: 'bad',
        error: 'bad',
        errors: [
          { pointer: '/urls/0', detail: 'no URL' },
          { pointer: '/x', detail: 'y' },
        ],
      },
      '400 error from server: bad\n  /urls/0: no URL\n  /x: y\n',
    ],
    [
      {
        detail: 'a: no URL (and 1 more)',
        errors: [
          { pointer: '/a', detail: 'no URL' },
          { pointer: '', detail: 'not whole' },
        ],
      },
      '400 error from server: a: no URL (and 1 more)\n  not whole\n',
    ],
    [{ error: 'namespace not found', status: 400 }, '400 error from server: namespace not found\n'],
    [{ errors: ['a', 'b'], status: 400 }, '400 error from server\n  a\n  b\n'],
    ['Unauthorized', '400 error from server: Unauthorized\n'],
    ['', '400 error from server\n'],
    [{ detail: 'inside', id: 'abc' }, '400 error from server: inside (id abc)\n'],
  ];
  for (const [body, want] of bodies) {
    await using stub = await startAdminStub(() => ({ status: 400, body }));
    const { exit, out, err } = await runInProcess(['--admin', stub.url, 'ns', 'mk', 'name=a']);
    assert.deepEqual({ exit, out, err }, { exit: 1, out: '', err: want });
  }
});

test('an answer that is none of the admin API is an error, not an empty list', async () => {
  await using stub = await startAdminStub(() => ({ body: '<html>' }));
  const { exit, err } = await runInProcess(['--admin', stub.url, 'ns', 'ls']);
  assert.equal(exit, 1);
  assert.match(err, /is --admin right\?/);
});

test('a server that is not there is exit code 1 with the address', async () => {
  const [port] = await findFreePorts(1);
  const { exit, err } = await runInProcess(['--admin', `127.0.0.1:${port}`, 'ns', 'ls']);
  assert.equal(exit, 1);
  assert.match(err, new RegExp(`cannot reach the admin API at http://127\\.0\\.0\\.1:${port}: connection refused`));
});

test('redirects are followed only when asked, keep method and body, and end', async () => {
  await using leader = await startAdminStub();
  await using follower = await startAdminStub((call) => ({
    status: 307,
    headers: { location: `${leader.url.slice(5)}${call.url}` },
    body: '',
  }));
  const line = ['--admin', follower.url, '-a', 'u:p', 'ns', 'mk', 'name=a'];
  const refused = await runInProcess(line);
  assert.equal(refused.exit, 1);
  assert.match(refused.err, /redirect from server .*--follow/);
  assert.equal((await runInProcess([...line, '-f'])).exit, 0);
  assert.deepEqual(
    leader.calls.map(({ method, url, body }) => ({ method, url, body })),
    [{ method: 'PUT', url: '/api/v1/namespace', body: { name: 'a' } }],
  );
  assert.equal(leader.calls[0]?.headers.authorization, basic('u:p'));
  await using circle = await startAdminStub((call) => ({ status: 307, headers: { location: call.url }, body: '' }));
  assert.match((await runInProcess(['--admin', circle.url, '-f', 'ns', 'ls'])).err, /more than 5 redirects/);
});

test('credentials do not follow a redirect to another host', async () => {
  await using other = await startAdminStub();
  await using first = await startAdminStub((call) => ({
    status: 307,
    headers: { location: `${other.url.replace('127.0.0.1', 'localhost')}${call.url}` },
    body: '',
  }));
  await runInProcess(['--admin', first.url, '-f', '-a', 'u:p', '--api-key', 'k', 'ns', 'ls']);
  assert.equal(first.calls[0]?.headers.authorization, basic('u:p'));
  for (const { headers } of other.calls) assert.deepEqual([headers.authorization, headers['x-dgate-key']], [undefined, undefined]);
});

test('verbose prints a line per call, and bundles with follow', async () => {
  await using stub = await startAdminStub();
  const { out } = await runInProcess(['-Vf', '--admin', stub.url, 'svc', 'ls']);
  assert.match(out, new RegExp(`^HTTP/1\\.1 GET ${stub.url}/api/v1/service - 200 OK [0-9.]+ms\n\\[\\]\n$`));
});
