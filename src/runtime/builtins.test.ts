import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { evaluate, handle, loadModule, testRequest, testRuntime } from '../../test/support/module-runtime.ts';
import { type Event, subscribe } from '../lib/event.ts';
import type { ModuleRuntime } from './types.ts';

let runtime: ModuleRuntime;
before(() => {
  runtime = testRuntime();
});
after(() => runtime.close());

const answer = (expression: string, head = ''): Promise<unknown> =>
  evaluate(runtime, `ctx.response().json(${expression})`, undefined, head);
const messageOf = (expression: string, head = ''): Promise<unknown> =>
  evaluate(
    runtime,
    `let m = 'nothing thrown'; try { await (${expression}) } catch (e: any) { m = e.message } ctx.response().json(m)`,
    undefined,
    head,
  );

describe('dgate/crypto', () => {
  const HEAD = "import * as c from 'dgate/crypto'";
  const sha = (encoding: 'hex' | 'base64' | 'base64url') => createHash('sha256').update('a?>').digest(encoding);
  const CASES: readonly (readonly [string, unknown])[] = [
    ['c.createHash("sha256").update("a").update("?>").digest("hex")', sha('hex')],
    ['["base64", "b64"].map((e) => c.sha256("a?>", e))', [sha('base64'), sha('base64')]],
    ['[c.sha256("a?>", "base64raw"), c.sha256("a?>", "b64rawurl")]', [sha('base64').replace(/=+$/, ''), sha('base64url')]],
    ['c.sha256("a?>", "base64url")', sha('base64').replaceAll('+', '-').replaceAll('/', '_')],
    [
      '[c.md5("x") instanceof ArrayBuffer, c.sha512_256("x", "hex"), c.createHash("sha512-224").update("x").digest("hex").length]',
      [true, createHash('sha512-256').update('x').digest('hex'), 56],
    ],
    [
      '[c.hmac("sha256", "k", "a", "hex"), c.createHmac("sha256", new Uint8Array([107])).update("a").digest("hex")]',
      Array(2).fill(createHmac('sha256', 'k').update('a').digest('hex')),
    ],
    ['[c.hexEncode("abc"), c.randomBytes(8).byteLength, c.randomUUID().length, c.getHashes().length]', ['616263', 8, 36, 7]],
    ['[c.randomInt(1), c.randomInt(5, 6), c.timingSafeEqual("a", "a"), c.timingSafeEqual("a", "bc")]', [0, 5, true, false]],
  ];
  for (const [expression, expected] of CASES) test(expression, async () => assert.deepEqual(await answer(expression, HEAD), expected));
  test('refusals', async () => {
    assert.match(String(await messageOf('c.md5(5)', HEAD)), /^invalid type number, expected \(string, \[\]byte or ArrayBuffer\)$/);
    assert.match(String(await messageOf('c.createHash("md4")', HEAD)), /invalid hash algorithm/);
    assert.equal(await messageOf('c.randomBytes(0)', HEAD), 'invalid size');
    assert.match(String(await messageOf('n.pbkdf2Sync("a", "b", 1e9, 32, "sha1")', "import * as n from 'node:crypto'")), /iterations/);
  });
});

describe('dgate', () => {
  const HEAD = "import * as d from 'dgate'";
  test('retry, fail, asyncSleep, sleep', async () => {
    assert.equal(await answer('d.retry(3, (i) => i === 2 && "v")', HEAD), 'v');
    assert.equal(await answer('await d.retry(3, async (i) => i === 1 && "w")', HEAD), 'w');
    assert.equal(await answer('d.retry(2, () => 0)', HEAD), 0);
    assert.equal(await messageOf('d.retry(0, () => 1)', HEAD), 'num must be greater than 0');
    assert.equal(await messageOf('d.fail("why")', HEAD), 'why');
    const [blocking, waiting] = (await evaluate(
      runtime,
      'const t = Date.now(); d.sleep("30ms"); d.sleep(-1); const u = Date.now(); await d.asyncSleep(0.03); ctx.response().json([u - t, Date.now() - u])',
      undefined,
      HEAD,
    )) as [number, number];
    assert.ok(blocking >= 29 && waiting >= 28, `${blocking} ${waiting}`);
    assert.equal(await messageOf('d.sleep("zz")', HEAD), 'time: invalid duration "zz"');
    assert.equal(await messageOf('d.sleep()', HEAD), 'sleep() requires a number or string as a first argument');
  });
  test('has its parts as members, and sekisho is the same', async () => {
    assert.deepEqual(
      await answer(
        '[Object.keys(d.default).toSorted(), d.crypto === s.crypto, typeof d.http.fetch]',
        "import * as d from 'dgate'; import * as s from 'sekisho'",
      ),
      [['asyncSleep', 'crypto', 'fail', 'http', 'retry', 'sleep', 'state', 'storage', 'util'], true, 'function'],
    );
  });
  test('a sleep longer than the sync deadline is allowed, up to the deadline of the call', async () => {
    const strict = testRuntime({ syncTimeoutMs: 1000, timeoutMs: 5000 });
    const program = await loadModule(
      strict,
      "import { sleep } from 'dgate'\nexport const requestHandler = (ctx: any) => { sleep(ctx.request().path === '/long' ? 60 : '1500ms'); ctx.response().send('slept') }",
    );
    assert.equal((await handle(program)).response?.body.toString(), 'slept');
    assert.equal((await handle(program, testRequest({ path: '/long' }))).failure?.error.code, 'MODULE_TIMEOUT');
    assert.equal((await handle(program)).response?.body.toString(), 'slept');
    await strict.close();
  });
});

describe('dgate/state, dgate/storage, sekisho/secrets', () => {
  test('documents and collections of the own namespace', async () => {
    const body = `await S.addCollection({ name: 'c', schema: {}, visibility: 'public', type: 'document' });
      const put = await S.addDocument({ id: 'd', collection: 'c', data: { a: new Date(0) } });
      const got = await S.getDocument('d', 'c');
      const list = await S.getDocuments({ collection: 'c', limit: 5 });
      await S.deleteDocument({ id: 'd', collection: 'c' });
      ctx.response().json({ put: put.id, data: got.data, list: list.map((d) => d.id), gone: await S.getDocument('d', 'c'), col: (await S.getCollection('c')).name })`;
    assert.deepEqual(await evaluate(runtime, body, undefined, "import * as S from 'dgate/state'"), {
      put: 'd',
      data: { a: '1970-01-01T00:00:00.000Z' },
      list: ['d'],
      gone: null,
      col: 'c',
    });
  });
  test('what is refused', async () => {
    const HEAD = "import * as S from 'dgate/state'; import * as T from 'dgate/storage'";
    assert.equal(await messageOf('S.getDocument("a", "nope")', HEAD), 'collection not found: nope');
    assert.equal(await messageOf('S.getDocuments({})', HEAD), 'collection name is required');
    assert.match(
      String(await messageOf('S.addDocument({ id: "a", collection: "c", namespace: "other", data: 1 })', HEAD)),
      /only change its own namespace/,
    );
    assert.equal(await messageOf('T.getCache("")', HEAD), 'cache id cannot be empty');
    assert.equal(await messageOf('T.setCache("a", 1, { ttl: -1 })', HEAD), 'TTL cannot be negative');
    assert.match(String(await messageOf('T.setCache("a", () => 1)', HEAD)), /could not be cloned/);
  });
  test('the cache is shared by programs, keeps copies and forgets after its ttl', async () => {
    const HEAD = "import { getCache, setCache } from 'sekisho/storage'";
    assert.equal(await answer('getCache("k")', HEAD), null);
    await answer('setCache("k", { d: new Date(0), b: new Uint8Array(2) })', HEAD);
    assert.deepEqual(await answer('[getCache("k").d instanceof Date, getCache("k").b.length, getCache("k") === getCache("k")]', HEAD), [
      true,
      2,
      false,
    ]);
    assert.equal(
      await evaluate(
        runtime,
        'setCache("t", 1, { ttl: 0.02 }); await new Promise((r) => setTimeout(r, 40)); ctx.response().json(getCache("t"))',
        undefined,
        HEAD,
      ),
      null,
    );
  });
  test('secrets', async () => {
    assert.deepEqual(await answer('[await getSecret("key"), await getSecret("none")]', "import { getSecret } from 'sekisho/secrets'"), [
      's3cret',
      null,
    ]);
  });
});

describe('fetch', () => {
  const server = createServer((request, response) => {
    if (request.url === '/away') return void response.writeHead(302, { location: '/' }).end();
    if (request.url === '/never') return;
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () =>
      response.setHeader('X-Reply', 'yes').end(
        JSON.stringify({
          line: `${request.method} ${request.url}`,
          agent: request.headers['user-agent'],
          a: request.headers['x-a'],
          body,
        }),
      ),
    );
  });
  let url = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test("has DGate's answer and the web's", async () => {
    const body = `const r = await fetch('${url}/p', { method: 'POST', body: 'hi', headers: { 'X-A': '1' } });
      const first = await r.json(); let again = ''; try { await r.text() } catch (e: any) { again = e.message }
      ctx.response().json({ first, again, status: [r.status, r.statusText, r.ok, r.redirected, r.url.endsWith('/p')], h: [r.headers.get('x-reply'), r.headers.get('none')], s: typeof r._debug_time })`;
    assert.deepEqual(await evaluate(runtime, body), {
      first: { line: 'POST /p', agent: 'DGate-Client/1.0', a: '1', body: 'hi' },
      again: 'body already used',
      status: [200, '200 OK', true, false, true],
      h: ['yes', ''],
      s: 'number',
    });
  });
  test('redirects, bad URLs and network failures', async () => {
    assert.deepEqual(
      await answer(`[(await fetch('${url}/away')).redirected, (await fetch('${url}/away', { redirects: 'manual' })).status]`),
      [true, 302],
    );
    assert.match(String(await messageOf('fetch("nope")')), /Invalid URL/);
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    assert.match(String(await messageOf(`fetch("http://127.0.0.1:${port}/")`)), /^GET http:\/\/127\.0\.0\.1:\d+\/: connect ECONNREFUSED/);
  });
  test('ends with its request, as do timers', async () => {
    const program = await loadModule(
      runtime,
      `let log: string[] = []; export const requestHandler = async (ctx: any) => {
      if (ctx.request().path === '/read') return ctx.response().json(log);
      fetch('${url}/never').catch((e) => log.push(e.message)); setTimeout(() => log.push('timer'), 4000); setInterval(() => log.push('interval'), 4000);
      ctx.response().send('x') }`,
    );
    await handle(program);
    // Longer than the timers; that a request's end takes so long to arrive is out of the question.
    await new Promise((resolve) => setTimeout(resolve, 4500));
    assert.equal((await handle(program, testRequest({ path: '/read' }))).response?.body.toString(), '["the request is over"]');
    program.release();
  });
});

describe('globals and console', () => {
  test('what modules find', async () => {
    const names = [
      'URL',
      'URLSearchParams',
      'Buffer',
      'atob',
      'TextEncoder',
      'crypto',
      'structuredClone',
      'queueMicrotask',
      'performance',
      'Intl',
      'BigInt',
      'AbortController',
      'Headers',
      'setImmediate',
      'Blob',
    ];
    assert.deepEqual(await answer(`${JSON.stringify(names)}.filter((n) => globalThis[n] === undefined)`), []);
    assert.deepEqual(
      await answer(
        '[process.env, typeof process.host, typeof require("url").URL, require("node:util").format("%s", 1), this === undefined]',
      ),
      [{ MODE: 'test' }, 'string', 'function', '1', true],
    );
    assert.deepEqual(
      await answer('[...new Set([typeof Host, typeof Phases, typeof evaluateProgram, typeof data])]'),
      ['undefined'],
      'internals are no globals',
    );
  });
  test('console lines name module, route and request', async () => {
    const seen: Event[] = [];
    const stop = subscribe((event) => seen.push(event));
    await evaluate(
      runtime,
      'console.log("a %s %d %j", "b", 3, { c: 1 }, "d"); await null; console.warn({ x: 1 }); console.error("e"); console.debug("f")',
    );
    stop();
    assert.deepEqual(
      seen
        .filter((event) => event.type === 'module.console')
        .map(({ level, text, route, requestId, module, namespace }) => [level, text, route, requestId, module, namespace]),
      [
        ['info', 'a b 3 {"c":1} d'],
        ['warn', '{ x: 1 }'],
        ['error', 'e'],
        ['debug', 'f'],
      ].map((line) => [...line, 'r', 'req-1', 'm', 'default']),
    );
  });
});
