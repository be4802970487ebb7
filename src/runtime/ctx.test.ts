import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { evaluate, handle, loadModule, testRequest, testRuntime } from '../../test/support/module-runtime.ts';
import { SekishoError } from '../lib/errors.ts';
import type { ModuleRuntime, UpstreamResponse } from './types.ts';

let runtime: ModuleRuntime;
before(() => {
  runtime = testRuntime({ maxBodyBytes: 64 });
});
after(() => runtime.close());

const head = (changes: Partial<UpstreamResponse> = {}): UpstreamResponse => ({
  status: 200,
  reason: 'OK',
  headers: ['content-type', 'text/plain', 'set-cookie', 'a=b; Path=/; HttpOnly'],
  protocol: 'HTTP/1.1',
  contentLength: -1,
  ...changes,
});

describe('ctx.request()', () => {
  const posted = testRequest(
    {
      method: 'POST',
      query: 'a=1&a=2&b=%20x',
      headers: ['X-One', '1', 'x-two', '2', 'X-ONE', '3'],
      pathParams: ['id', '7', '*', 'rest/of'],
    },
    '{"a":[1,2]}',
  );
  const CASES: readonly (readonly [string, unknown])[] = [
    ['[r.method, r.path, r.host, r.remoteAddress, r.proto, r.contentLength]', ['POST', '/x', 'h.test:8080', '127.0.0.1', 'HTTP/1.1', 11]],
    [
      '[r.query.get("a"), r.query.get("zz"), r.query.has("b"), r.query.values("a"), r.query.encode()]',
      ['1', '', true, ['1', '2'], 'a=1&a=2&b=+x'],
    ],
    ['[r.headers.get("x-one"), r.headers.get("none"), r.headers.values("X-One"), r.headers.has("X-TWO")]', ['1', '', ['1', '3'], true]],
    ['r.headers', { 'X-One': ['1', '3'], 'X-Two': ['2'] }],
    [
      '[...r.headers.entries()]',
      [
        ['X-One', '1'],
        ['x-two', '2'],
        ['X-ONE', '3'],
      ],
    ],
    ['(r.headers.set("x-one", 9), r.headers.add("N", "é"), r.headers.del("x-two"), r.headers)', { 'X-One': ['9'], N: ['é'] }],
    ['(() => { const c = r.headers.clone(); c.set("Q", "1"); return [c.has("Q"), r.headers.has("Q")] })()', [true, false]],
    ['[r.readJson().a, r.readText(), r.readBody().byteLength, r.readBody() instanceof ArrayBuffer]', [[1, 2], '{"a":[1,2]}', 11, true]],
    ['(r.writeJson({ b: 1 }), [r.readText(), r.contentLength, r.headers.get("content-type")])', ['{"b":1}', 7, 'application/json']],
    [
      '[ctx.pathParams(), ctx.pathParam("id"), ctx.pathParam("toString"), ctx.query().get("a")]',
      [{ id: '7', '*': 'rest/of' }, '7', '', '1'],
    ],
    [
      '[ctx.route().name, ctx.service().retries, ctx.service().urls.length, ctx.namespace().name, ctx.upstream()]',
      ['r', 3, 2, 'default', null],
    ],
    ['(ctx.service().urls.sort().reverse(), ctx.set("k", 5), [ctx.get("k"), ctx.get("none")])', [5, null]],
    ['JSON.parse(JSON.stringify(ctx))', { id: 'req-1' }],
  ];
  for (const [expression, expected] of CASES) {
    test(expression, async () => {
      assert.deepEqual(await evaluate(runtime, `const r = ctx.request(); ctx.response().json(${expression})`, posted), expected);
    });
  }

  test('line breaks in fields are refused', async () => {
    for (const call of ['set("a", "b\\r\\nc: d")', 'add("a b", "c")', 'set("", "x")']) {
      assert.match(
        String(await evaluate(runtime, `try { ctx.request().headers.${call} } catch (e: any) { ctx.response().json(e.message) }`)),
        /invalid/,
      );
    }
  });

  test('a body over the limit throws a code; the second time it is known beforehand', async () => {
    const source = 'try { ctx.request().readBody() } catch (e: any) { ctx.response().json(e.code) }';
    const program = await loadModule(runtime, `export const requestHandler = (ctx: any) => { ${source} }`);
    const tooLarge = testRequest({
      contentLength: -1,
      readRequestBody: () => Promise.reject(new SekishoError('MODULE_BODY_TOO_LARGE', 'too large')),
    });
    for (const request of [tooLarge, tooLarge, testRequest({ contentLength: 1000 })]) {
      assert.equal((await handle(program, request)).response?.body.toString(), '"MODULE_BODY_TOO_LARGE"');
    }
    program.release();
  });

  test('what requestModifier changed goes upstream, what it did not is not sent back', async () => {
    const program = await loadModule(
      runtime,
      'export const requestModifier = (ctx: any) => { if (ctx.request().path === "/c") { ctx.request().headers.set("A", "1"); ctx.request().writeBody("hi"); ctx.response().headers.set("B", "2") } }',
    );
    assert.deepEqual(await program.begin(testRequest()).request(), {});
    const changed = await program.begin(testRequest({ path: '/c', headers: ['Z', '0'] })).request();
    assert.deepEqual(
      { ...changed, body: changed.body?.toString() },
      { headers: ['Z', '0', 'A', '1'], body: 'hi', responseHeaders: ['B', '2'] },
    );
    program.release();
  });
});

describe('ctx.response()', () => {
  const CASES: readonly (readonly [string, number, Readonly<Record<string, string>>, string])[] = [
    ['res.send("plain")', 200, { 'Content-Type': 'text/plain; charset=utf-8' }, 'plain'],
    ['res.status(201).send(new Uint8Array([104, 105]).buffer)', 201, {}, 'hi'],
    ['res.send("<!DOCTYPE html><p>")', 200, { 'Content-Type': 'text/html; charset=utf-8' }, '<!DOCTYPE html><p>'],
    ['res.status(404).end()', 404, {}, ''],
    [
      'res.status(202).json({ b: 1, a: "<&>", d: new Date(0), e: new Date(1500), u: undefined, n: [undefined, 10n ** 20n] })',
      202,
      { 'Content-Type': 'application/json' },
      '{"b":1,"a":"\\u003c\\u0026\\u003e","d":"1970-01-01T00:00:00Z","e":"1970-01-01T00:00:01.5Z","u":null,"n":[null,"100000000000000000000"]}',
    ],
    ['res.json(undefined)', 200, {}, 'null'],
    ['(res.status(201).json(1), res.status(500).json(2))', 201, {}, '12'],
    [
      'res.status(500).redirect("https://a.test/b?c")',
      307,
      { Location: 'https://a.test/b?c' },
      '<a href="https://a.test/b?c">Temporary Redirect</a>.\n\n',
    ],
    ['res.redirectPermanent("foo")', 301, { Location: '/dir/foo' }, '<a href="/dir/foo">Moved Permanently</a>.\n\n'],
    ['res.location("/l").status(201).send("x")', 201, { Location: '/l' }, 'x'],
    [
      'res.cookie("c", "d e", { domain: ".a.test", expires: new Date(0), maxAge: -1, path: "/p", sameSite: "none", secure: true }).send("x")',
      200,
      { 'Set-Cookie': 'c="d e"; Path=/p; Domain=a.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; SameSite=None' },
      'x',
    ],
    [
      'res.json([res.getCookies().map((c) => c.name), res.getCookie("w").value, res.getCookie("no"), res.headersSent])',
      200,
      {},
      '[["q","w"],"2",null,false]',
    ],
    ['(res.send("a"), res.headers.set("Late", "1"))', 200, {}, 'a'],
    ['res.headers.set("Only", "fields")', 204, { Only: 'fields' }, ''],
  ];
  for (const [expression, status, fields, body] of CASES) {
    test(expression, async () => {
      const program = await loadModule(
        runtime,
        `export const requestHandler = (ctx: any) => { const res = ctx.response(); ${expression} }`,
      );
      const { response } = await handle(program, testRequest({ path: '/dir/x', headers: ['Cookie', 'q=1; w=2'] }));
      assert.equal(response?.status, status);
      assert.equal(response?.body.toString(), body);
      for (const [name, value] of Object.entries(fields))
        assert.equal(response?.headers[(response?.headers.indexOf(name) ?? 0) + 1], value);
      assert.ok(!response?.headers.includes('Late'));
      program.release();
    });
  }

  test('a send of the wrong type sends the status, then throws', async () => {
    const program = await loadModule(runtime, 'export const requestHandler = (ctx: any) => ctx.response().status(201).send(5)');
    const { response, failure } = await handle(program);
    assert.deepEqual([response?.status, response?.body.length, failure], [201, 0, undefined]);
    program.release();
  });

  test('a status that is none is refused', async () => {
    assert.match(
      String(await evaluate(runtime, 'try { ctx.response().status(99) } catch (e: any) { ctx.response().json(e.message) }')),
      /invalid status 99/,
    );
  });

  test('a large text arrives whole', async () => {
    const program = await loadModule(runtime, 'export const requestHandler = (ctx: any) => ctx.response().send("é".repeat(50000))');
    assert.equal((await handle(program)).response?.body.toString(), 'é'.repeat(50_000));
    program.release();
  });
});

describe('ctx.upstream()', () => {
  const modify = async (body: string, answer = head(), upstreamBody = '{"a":1}') => {
    const program = await loadModule(runtime, `export const responseModifier = async (ctx: any) => { const up = ctx.upstream(); ${body} }`);
    const outcome = await program.begin(testRequest({}, '', upstreamBody)).response(answer);
    program.release();
    return { ...outcome, ...(outcome.body !== undefined && { body: outcome.body.toString() }) };
  };
  const seen = async (expression: string, answer?: UpstreamResponse) =>
    JSON.parse(String((await modify(`up.writeJson(${expression})`, answer)).body)) as unknown;

  test('shows the answer', async () => {
    assert.deepEqual(
      await seen(
        '[up.statusCode, up.statusText, up.protocol, up.contentLength, up.headers.get("Content-Type"), up.cookie()[0].name, up.cookie()[0].httpOnly]',
      ),
      [200, '200 OK', 'HTTP/1.1', -1, 'text/plain', 'a', true],
    );
  });
  test('reads the body as often as one likes, and leaves it to the client', async () => {
    assert.deepEqual(await seen('[(await up.readBody()).byteLength, await up.readJson(), await up.readText()]'), [7, { a: 1 }, '{"a":1}']);
    assert.deepEqual(await modify('await up.readBody()'), {});
  });
  test('writes body, status and fields', async () => {
    assert.deepEqual(await modify('up.status(209).writeJson({ b: 2 })', head({ headers: ['ETag', 'x'] })), {
      status: 209,
      headers: ['ETag', 'x', 'Content-Type', 'application/json'],
      body: '{"b":2}',
    });
    assert.deepEqual(await modify('up.statusCode = 418; up.writeBody("t")'), { status: 418, body: 't' });
  });
  test('undoes content codings, up to the limit', async () => {
    const program = await loadModule(
      runtime,
      'export const responseModifier = async (ctx: any) => { const up = ctx.upstream(); up.writeBody(await up.readText()) }',
    );
    const run = (text: string) =>
      program
        .begin(testRequest({ readUpstreamBody: async () => gzipSync(text) }))
        .response(head({ headers: ['content-encoding', 'gzip', 'x', 'y'] }));
    const { headers, body } = await run('hello');
    assert.deepEqual([headers, body?.toString()], [['x', 'y'], 'hello']);
    assert.equal((await run('x'.repeat(1000))).failure?.error.code, 'MODULE_FAILED', 'a bomb is not unpacked');
    program.release();
  });
  test('redirects', async () => {
    assert.deepEqual(await modify('up.redirect("/y")', head({ headers: [] })), { status: 307, headers: ['Location', '/y'], body: '' });
    assert.deepEqual((await modify('up.redirectPermanent("/y")')).status, 301);
  });
  test('ctx.response() replaces it, and fields set before are not told twice', async () => {
    const program = await loadModule(
      runtime,
      'export const requestModifier = (ctx: any) => ctx.response().headers.set("A", "1")\nexport const responseModifier = (ctx: any) => { ctx.response().headers.set("B", "2"); if (ctx.request().path === "/r") ctx.response().status(202).send("own") }',
    );
    for (const [path, expected] of [
      ['/x', { responseHeaders: ['B', '2'] }],
      ['/r', { response: { status: 202, headers: ['B', '2', 'Content-Type', 'text/plain; charset=utf-8'], body: Buffer.from('own') } }],
    ] as const) {
      const invocation = program.begin(testRequest({ path }));
      assert.deepEqual(await invocation.request(), { responseHeaders: ['A', '1'] });
      assert.deepEqual(await invocation.response(head()), expected);
    }
    program.release();
  });
});
