import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTempFolder } from '../../../test/support/temp.ts';
import { SekishoError } from '../../lib/errors.ts';
import type { HttpAnswer, HttpCall } from '../host-calls.ts';
import { createHostCalls, type HostCalls, type HostCallsOptions } from './host-calls.ts';
import { createExtensionMemory } from './memory.ts';

const temp = createTempFolder();
const root = join(temp.path, 'root');
const open: HostCalls[] = [];
after(() => {
  for (const calls of open) calls.close();
  temp.remove();
});

type Ask = (name: string, ...args: unknown[]) => Promise<unknown>;

function ask(changes: Partial<HostCallsOptions> = {}, signal = new AbortController().signal): Ask {
  const calls = createHostCalls({
    http: { maxBodyBytes: 1000, timeoutMs: 60_000 },
    files: { root, isWritable: true, maxBytes: 100 },
    exec: { isAllowed: true, timeoutMs: 60_000, maxOutputBytes: 1000, env: { PATH: '/usr/bin:/bin', SHOWN: 'yes' } },
    memory: createExtensionMemory({ maxGlobalBytes: 200, maxCacheBytes: 1000 }),
    config: { database: { type: 'sqlite3' }, list: [{ a: 1 }] },
    ...changes,
  });
  open.push(calls);
  return async (name, ...args) => await calls.call(name, args, { environment: 'e', event: 'x', depth: 1, signal });
}

test('calls that others answer are not answered', () => {
  const calls = createHostCalls({
    http: { maxBodyBytes: 1, timeoutMs: 1 },
    files: { root: undefined, isWritable: false, maxBytes: 1 },
    exec: { isAllowed: false, timeoutMs: 1, maxOutputBytes: 1, env: {} },
    memory: createExtensionMemory({ maxGlobalBytes: 1, maxCacheBytes: 1 }),
    config: {},
  });
  open.push(calls);
  const caller = { environment: 'e', event: 'x', depth: 1, signal: new AbortController().signal };
  for (const name of ['db.list', 'nope', 'toString', '__proto__']) assert.equal(calls.call(name, [], caller), undefined);
});

describe('http', () => {
  const seen: { readonly line: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(chunks).toString() });
      if (request.url === '/never') return;
      if (request.url === '/long') return void response.end('x'.repeat(2000));
      if (request.url === '/loop') return void response.writeHead(302, { location: '/loop' }).end();
      if (request.url === '/away') return void response.writeHead(302, { location: other }).end();
      if (request.url === '/keep') return void response.writeHead(307, { location: '/a' }).end();
      response.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'], 'X-Two': 'é' }).end('answer');
    });
  });
  let url = '';
  let other = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}`;
    other = `http://localhost:${port}/b`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const send = async (call: Partial<HttpCall>, options?: Partial<HostCallsOptions>): Promise<HttpAnswer> => {
    seen.length = 0;
    const whole = { method: 'GET', url, headers: {}, body: undefined, timeoutMs: undefined, follow: true, ...call };
    return (await ask(options)('http.request', whole)) as HttpAnswer;
  };

  test('an answer', async () => {
    const { status, statusText, headers, setCookies, body } = await send({
      method: 'post',
      url: `${url}/a?b=c`,
      headers: { 'X-A': 'b' },
      body: 'é',
    });
    assert.deepEqual([status, statusText, headers['set-cookie'], setCookies, body], [201, 'Created', 'a=1, b=2', ['a=1', 'b=2'], 'answer']);
    assert.deepEqual(
      [seen[0]?.line, seen[0]?.headers['x-a'], seen[0]?.headers['content-length'], seen[0]?.body],
      ['POST /a?b=c', 'b', '2', 'é'],
    );
  });
  test('redirects', async () => {
    await send({
      method: 'POST',
      url: `${url}/away`,
      headers: { Authorization: 'secret', 'Content-Type': 'text/plain', 'X-A': 'b' },
      body: 'data',
    });
    assert.deepEqual(
      seen.map(({ line, body, headers }) => [line, body, headers.authorization, headers['content-type'], headers['x-a']]),
      [
        ['POST /away', 'data', 'secret', 'text/plain', 'b'],
        ['GET /b', '', undefined, undefined, 'b'],
      ],
    );
    await send({ method: 'PUT', url: `${url}/keep`, headers: { Authorization: 'secret' }, body: 'data' });
    assert.deepEqual([seen[1]?.line, seen[1]?.body, seen[1]?.headers.authorization], ['PUT /a', 'data', 'secret']);
    assert.equal((await send({ url: `${url}/away`, follow: false })).status, 302);
    await assert.rejects(send({ url: `${url}/loop` }), {
      code: 'EXTENSION_CALL_FAILED',
      message: /^Get "http.*\/loop": stopped after 10 redirects$/,
    });
  });
  test('an opaque URL is sent as it is written', async () => {
    await send({ url: `${url}/a//../b%2Fc`, opaque: true });
    assert.equal(seen[0]?.line, `GET ${url}/a//../b%2Fc`);
  });
  test('what fails', async () => {
    await assert.rejects(send({ url: `${url}/never`, timeoutMs: 50 }), { message: /^Get "http.*": the time limit was exceeded$/ });
    await assert.rejects(send({ url: `${url}/never` }, { http: { maxBodyBytes: 1, timeoutMs: 50 } }), /time limit/);
    await assert.rejects(send({ url: `${url}/long` }), /longer than 1000 bytes/);
    await assert.rejects(send({ url: 'ftp://a:secret@b/' }), { message: 'Get "ftp://a:***@b/": unsupported protocol scheme "ftp"' });
    await assert.rejects(send({ url: 'nope' }), /Invalid URL/);
    await assert.rejects(send({ headers: { 'a b': 'c' } }), /Header name must be a valid HTTP token/);
    const timeout = new SekishoError('EXTENSION_TIMEOUT', 'too long');
    const signal = AbortSignal.abort(timeout);
    await assert.rejects(ask({}, signal)('http.request', { method: 'GET', url, headers: {}, follow: true }), timeout);
  });
});

describe('files', () => {
  before(() => {
    mkdirSync(join(root, 'folder/deep'), { recursive: true });
    writeFileSync(join(root, 'a.txt'), 'text');
    writeFileSync(join(root, 'large'), 'x'.repeat(101));
    writeFileSync(join(temp.path, 'secret'), 'secret');
    symlinkSync(join(temp.path, 'secret'), join(root, 'link'));
    symlinkSync(temp.path, join(root, 'out'));
    symlinkSync(join(root, 'a.txt'), join(root, 'inside'));
    symlinkSync(join(temp.path, 'made'), join(root, 'dangling'));
  });
  test('below the root', async () => {
    const call = ask();
    assert.equal(await call('file.read', 'a.txt'), 'text');
    assert.equal(await call('file.read', join(root, 'folder/../a.txt')), 'text');
    assert.equal(await call('file.read', 'inside'), 'text');
    assert.deepEqual(await call('file.list', 'folder'), ['deep']);
    assert.deepEqual(await call('file.stat', 'folder'), { isDirectory: true });
    assert.equal(await call('file.stat', 'none'), undefined);
    await call('file.makeDirectory', 'new/er');
    await call('file.makeDirectory', 'new/er');
    await call('file.write', 'new/er/b', 'written');
    await call('file.write', 'new/er/b', 'again');
    assert.equal(readFileSync(join(root, 'new/er/b'), 'utf8'), 'again');
  });
  test('never outside of it', async () => {
    const call = ask();
    for (const path of ['../secret', join(temp.path, 'secret'), 'link', 'out/secret', '/etc/passwd', '../none', 'out']) {
      for (const name of ['file.read', 'file.stat', 'file.list'])
        await assert.rejects(
          call(name, path),
          { code: 'EXTENSION_CALL_FAILED', message: `${path} is outside of extension.file_root` },
          `${name} ${path}`,
        );
      await assert.rejects(call('file.write', path, 'x'), { code: 'EXTENSION_CALL_FAILED' }, path);
    }
    await assert.rejects(call('file.write', 'dangling', 'x'), { code: 'EXTENSION_CALL_FAILED' });
    await assert.rejects(call('file.makeDirectory', 'out/x'), { code: 'EXTENSION_CALL_FAILED' });
    assert.equal(readFileSync(join(temp.path, 'secret'), 'utf8'), 'secret');
  });
  test('limits and settings', async () => {
    await assert.rejects(ask()('file.read', 'large'), /101 bytes, more than the 100/);
    await assert.rejects(ask()('file.read', 'none'), { message: 'open none: no such file or directory' });
    await assert.rejects(ask()('file.read', 'folder'), /it is no file/);
    await assert.rejects(ask()('file.write', 'x', 'x'.repeat(101)), /more than the 100 bytes/);
    const none = ask({ files: { root: undefined, isWritable: true, maxBytes: 1 } });
    await assert.rejects(none('file.read', 'a.txt'), { code: 'EXTENSION_NOT_ENABLED', message: /extension\.file_root/ });
    await assert.rejects(none('file.write', 'a.txt', ''), { code: 'EXTENSION_NOT_ENABLED' });
    const readOnly = ask({ files: { root, isWritable: false, maxBytes: 100 } });
    await assert.rejects(readOnly('file.write', 'a.txt', ''), { code: 'EXTENSION_NOT_ENABLED', message: /extension\.file_write/ });
  });
});

test('programs', async () => {
  const call = ask();
  assert.deepEqual(await call('exec.run', 'sh', ['-c', 'echo $SHOWN $HOME "$1"; echo err >&2', 'sh', 'a b; c']), {
    status: 'success',
    output: 'yes a b; c\nerr\n',
  });
  assert.deepEqual(await call('exec.run', 'sh', ['-c', 'exit 3']), { status: 'error', output: 'exit status 3' });
  assert.match(((await call('exec.run', 'no-such-program', [])) as { output: string }).output, /ENOENT/);
  assert.deepEqual(await call('exec.run', 'a\0b', []).then((result) => (result as { status: string }).status), 'error');
  assert.match(((await call('exec.run', 'sh', ['-c', 'yes'])) as { output: string }).output, /more than 1000 bytes/);
  const short = ask({ exec: { isAllowed: true, timeoutMs: 50, maxOutputBytes: 10, env: { PATH: '/usr/bin:/bin' } } });
  assert.deepEqual(await short('exec.run', 'sh', ['-c', 'sleep 60 & wait']), { status: 'error', output: 'it took longer than 50 ms' });
  await assert.rejects(ask({ exec: { isAllowed: false, timeoutMs: 1, maxOutputBytes: 1, env: {} } })('exec.run', 'ls', []), {
    code: 'EXTENSION_NOT_ENABLED',
    message: /extension\.allow_exec/,
  });
  const controller = new AbortController();
  const running = ask({}, controller.signal)('exec.run', 'sleep', ['60']);
  controller.abort();
  await assert.rejects(running, { code: 'EXTENSION_ABORTED' });
});

test('sleep, shared objects, cache, settings', async () => {
  const controller = new AbortController();
  const call = ask({}, controller.signal);
  await call('sleep', 1);
  const sleeping = call('sleep', 60_000);
  controller.abort(new SekishoError('EXTENSION_TIMEOUT', 'over'));
  await assert.rejects(sleeping, { code: 'EXTENSION_TIMEOUT' });

  await call('global.set', 'e', 'a', '{"x":1}');
  assert.deepEqual([await call('global.get', 'e', 'a'), await call('global.get', '', 'a')], ['{"x":1}', undefined]);
  await assert.rejects(call('global.set', 'e', 'b', 'x'.repeat(100)), { code: 'EXTENSION_CALL_FAILED', message: /does not fit/ });
  await call('global.set', 'e', 'a', '{}');

  await call('cache.set', 'k', 'é', 0);
  assert.deepEqual([await call('cache.get', 'k'), await call('cache.get', 'none')], ['é', undefined]);
  assert.deepEqual(
    [await call('config.get', 'database/type'), await call('config.get', 'list/0/a'), await call('config.get', 'database/type/length')],
    ['sqlite3', 1, undefined],
  );
  assert.equal(await call('config.get', 'constructor'), undefined);
  await assert.rejects(call('sync.fetch', '/a'), { code: 'EXTENSION_NOT_ENABLED' });
  await assert.rejects(call('tenant.idOf', 'a'), { code: 'EXTENSION_NOT_ENABLED' });
  assert.equal(await call('secret.get', 'a'), undefined);
});
