import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  [gateway, upstream] = await Promise.all([startGateway(), startUpstream()]);
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

/** Deploys a requestHandler with this body (`ctx`, `req`, `res` are there). */
async function handler(name: string, body: string, route: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const source = `export const requestHandler = async (ctx: any) => { const req = ctx.request(), res = ctx.response(); ${body} }`;
  return await deploy(gateway, name, { source, route });
}

const setCookies = (answer: Answer): readonly string[] => answer.headers['set-cookie'] ?? [];

test('the request as modules see it', async () => {
  await handler(
    'req',
    `res.json({
      id: typeof ctx.id, same: ctx.request() === req && ctx.response() === res && ctx.query() === req.query,
      method: req.method, path: req.path, host: req.host, remote: req.remoteAddress, proto: req.proto, length: req.contentLength,
      get: req.headers.get('x-many'), none: req.headers.get('x-none'), values: req.headers.values('X-MANY'), noValues: req.headers.values('x-none'),
      index: req.headers['X-Many'] === undefined, xff: req.headers.get('X-Forwarded-For'),
      q: req.query.get('a'), qNone: req.query.get('z'), has: req.query.has('b'), hasNot: req.query.has('z'), encoded: req.query.encode(),
      params: ctx.pathParams(), one: ctx.pathParam('one'), noParam: ctx.pathParam('zz'), rest: ctx.pathParam('*'),
      upstream: ctx.upstream(), service: ctx.service(), unset: ctx.get('k'), text: JSON.stringify(ctx) === JSON.stringify({ id: ctx.id }),
    })`,
    { paths: ['/req/{one}/*'] },
  );
  const { json } = await ask(`${gateway.proxyUrl}/req/a%20b/c/d?a=1&a=2&b=x%20y`, {
    method: 'POST',
    body: '12345',
    headers: { 'X-Many': ['v1', 'v2'], host: 'Module.test:99', 'X-Forwarded-For': '1.2.3.4' },
  });
  assert.deepEqual(json(), {
    id: 'string',
    same: true,
    method: 'POST',
    path: '/req/a%20b/c/d',
    host: 'Module.test:99',
    remote: '127.0.0.1',
    proto: 'HTTP/1.1',
    length: 5,
    get: 'v1',
    none: '',
    values: ['v1', 'v2'],
    noValues: [],
    index: true,
    xff: '1.2.3.4',
    q: '1',
    qNone: '',
    has: true,
    hasNot: false,
    encoded: 'a=1&a=2&b=x+y',
    params: { one: 'a b', '*': 'c/d' },
    one: 'a b',
    noParam: '',
    rest: 'c/d',
    upstream: null,
    service: null,
    unset: null,
    text: true,
  });
});

test('route, service and namespace under their plain names', async () => {
  await deploy(gateway, 'ents', {
    urls: [upstream.url],
    service: { retries: 2, retryTimeout: '50ms', tags: ['svc'] },
    route: { tags: ['rt'], methods: ['GET'], stripPath: true },
    source: `export const responseModifier = (ctx: any) => ctx.upstream().writeJson({ route: ctx.route(), service: ctx.service(), namespace: ctx.namespace() })`,
  });
  const { route, service, namespace } = (await ask(`${gateway.proxyUrl}/ents`)).json();
  assert.deepEqual(
    { ...route },
    {
      name: 'ents',
      namespace: 'default',
      paths: ['/ents', '/ents/*'],
      methods: ['GET'],
      preserveHost: false,
      stripPath: true,
      service: 'ents',
      modules: ['ents'],
      tags: ['rt'],
    },
  );
  assert.equal(service.name, 'ents');
  assert.deepEqual(service.urls, [upstream.url]);
  assert.equal(service.retries, 2);
  assert.deepEqual(service.tags, ['svc']);
  for (const field of [
    'namespace',
    'retryTimeout',
    'connectTimeout',
    'requestTimeout',
    'tlsSkipVerify',
    'http2Only',
    'hideDGateHeaders',
    'disableQueryParams',
  ])
    assert.ok(field in service, field);
  assert.equal(namespace.name, 'default');
});

test('headers: set, add, del, clone, also into json()', async () => {
  await handler(
    'hdr',
    `const h = req.headers; const before = h.clone();
     h.set('X-A', 1); h.add('x-a', 2); h.set('X-Gone', 'x'); h.del('x-GONE');
     res.headers.set('X-Out', 'one'); res.headers.add('X-Out', 'two'); res.headers.set('X-Removed', 'r'); res.headers.del('X-Removed');
     res.json({ a: h.values('X-A'), cloned: before.get('X-A'), headers: h })`,
  );
  const answer = await ask(`${gateway.proxyUrl}/hdr`, { headers: { 'x-test': 't' } });
  const body = answer.json();
  assert.deepEqual(body.a, ['1', '2']);
  assert.equal(body.cloned, '');
  assert.deepEqual(body.headers['X-Test'], ['t']);
  assert.deepEqual(
    answer.rawHeaders.filter((_, i, all) => all[i - 1] === 'X-Out'),
    ['one', 'two'],
  );
  assert.equal(answer.headers['x-removed'], undefined);
});

test('responses: status, send, end, json, sniffed and given types, several writes', async () => {
  const cases: Readonly<Record<string, readonly [body: string, status: number, text: string | RegExp, type: string | undefined]>> = {
    text: [`res.send('plain')`, 200, 'plain', 'text/plain; charset=utf-8'],
    html: [`res.send('<html><body>x')`, 200, '<html><body>x', 'text/html; charset=utf-8'],
    bytes: [`res.status(202).send(new Uint8Array([104, 105]))`, 202, 'hi', 'text/plain; charset=utf-8'],
    buffer: [`res.end(Buffer.from('buf').buffer.slice(0, 0)); `, 200, '', undefined],
    arraybuffer: [`res.send(new TextEncoder().encode('ab').buffer)`, 200, 'ab', 'text/plain; charset=utf-8'],
    typed: [`res.headers.set('Content-Type', 'text/css'); res.send('a{}')`, 200, 'a{}', 'text/css'],
    json: [
      `res.status(201).json({ b: 1, a: [true, null] })`,
      201,
      /^\{"(a":\[true,null\],"b":1|b":1,"a":\[true,null\])\}$/,
      'application/json',
    ],
    escaped: [`res.json({ s: '<&>', d: new Date(0), u: undefined })`, 200, /"s":"\\u003c\\u0026\\u003e"/, 'application/json'],
    dates: [
      `res.json({ d: new Date(0), u: undefined, arr: [undefined, 1n] })`,
      200,
      /"d":"1970-01-01T00:00:00Z".*"u":null/,
      'application/json',
    ],
    twice: [`res.status(201).json({ n: 1 }); res.status(202).json({ n: 2 })`, 201, '{"n":1}{"n":2}', 'application/json'],
    number: [`res.status(203).send(5)`, 203, '', undefined],
    nothing: [``, 204, '', undefined],
    silentEnd: [`res.status(202).end('')`, 202, '', undefined],
    chain: [`res.status(299).location('/else').send('c')`, 299, 'c', 'text/plain; charset=utf-8'],
    sent: [
      `const b = res.headersSent; res.send('x'); res.headers.set('X-Late', '1'); res.send(String(b) + res.headersSent)`,
      200,
      'xfalsetrue',
      'text/plain; charset=utf-8',
    ],
    unicode: [`res.json('é€😀')`, 200, '"é€😀"', 'application/json'],
    locals: [`res.locals.a = 1; res.json(ctx.response().locals)`, 200, '{"a":1}', 'application/json'],
  };
  for (const [name, [body, status, text, type]] of Object.entries(cases)) {
    const answer = await ask(await handler(`r-${name}`, body));
    assert.equal(answer.status, status, name);
    if (typeof text === 'string') assert.equal(answer.text, text, name);
    else assert.match(answer.text, text, name);
    assert.equal(answer.headers['content-type'], type, name);
    if (name === 'sent') assert.equal(answer.headers['x-late'], undefined);
    if (status !== 204) assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text), name);
  }
});

test('redirects: 307 and 301, relative to the path, with a small page for GET', async () => {
  const url = await handler(
    'redir',
    `const to = req.query.get('to'); req.query.has('p') ? res.redirectPermanent(to) : res.status(418).redirect(to)`,
  );
  const cases: Readonly<Record<string, readonly [number, string]>> = {
    '/x?to=https%3A%2F%2Fx.y%2Fz': [307, 'https://x.y/z'],
    '/x?p&to=foo': [301, '/redir/foo'],
    '/x/y?to=..%2Fup': [307, '/redir/up'],
    '/x?to=%2Fabs%3Fa%3D1': [307, '/abs?a=1'],
    '/x?to=%3Fq%3D1': [307, '/redir/x?q=1'],
  };
  for (const [path, [status, location]] of Object.entries(cases)) {
    const answer = await ask(url + path);
    assert.deepEqual([answer.status, answer.headers.location], [status, location], path);
    assert.match(answer.text, /<a href="/);
    assert.equal((await ask(url + path, { method: 'POST' })).text, '');
  }
});

test('cookies: set with options, read from the request', async () => {
  const url = await handler(
    'cookie',
    `res.cookie('a', 'b').cookie('full', 'v', { domain: 'x.test', path: '/p', expires: new Date(0), maxAge: 60, httpOnly: true, secure: true, sameSite: 'strict', priority: 'high', signed: true })
        .cookie('space', 'a b').cookie('none', '1', { sameSite: 'none', maxAge: -1 })
     const q = res.getCookie('q')
     res.json({ q: q && q.value, name: q && q.name, absent: res.getCookie('zz'), names: res.getCookies().map((c: any) => c.name), quoted: res.getCookie('w').value })`,
  );
  const answer = await ask(url, { headers: { cookie: 'q=1; w="x y"; q2=3' } });
  assert.deepEqual(answer.json(), { q: '1', name: 'q', absent: null, names: ['q', 'w', 'q2'], quoted: 'x y' });
  assert.deepEqual(setCookies(answer), [
    'a=b',
    'full=v; Path=/p; Domain=x.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; HttpOnly; Secure; SameSite=Strict',
    'space="a b"',
    'none=1; Max-Age=0; SameSite=None',
  ]);
});

test('the upstream wrapper, and redirects and statuses by it', async () => {
  const respond = (name: string, body: string): Promise<string> =>
    deploy(gateway, name, {
      urls: [upstream.url],
      source: `export const responseModifier = async (ctx: any) => { const up = ctx.upstream(); ${body} }`,
    });
  const seen = await ask(
    await respond(
      'up',
      `up.writeJson({ code: up.statusCode, text: up.statusText, protocol: up.protocol, length: up.contentLength, x: up.headers.get('X-Up'), un: up.uncompressed, q: up.query().get('a'), cookies: up.cookie().length, te: up.transferEncoding, trailer: typeof up.trailer })`,
    ).then((url) => `${url}?a=7`),
  );
  const { length, ...rest } = seen.json();
  assert.ok(length > 50);
  assert.deepEqual(rest, {
    code: 200,
    text: '200 OK',
    protocol: 'HTTP/1.1',
    x: '1',
    un: false,
    q: '7',
    cookies: 0,
    te: [],
    trailer: 'object',
  });
  assert.equal(seen.headers['x-up'], '1', 'the other fields stay');
  assert.equal(Number(seen.headers['content-length']), seen.text.length);

  const moved = await ask(await respond('upr', `up.redirect('https://else.test/')`));
  assert.deepEqual([moved.status, moved.headers.location, moved.text], [307, 'https://else.test/', '']);
  const permanent = await ask(await respond('upp', `up.redirectPermanent('/x')`));
  assert.deepEqual([permanent.status, permanent.headers.location], [301, '/x']);
  assert.equal((await ask(await respond('ups', `up.status(218).writeBody('short')`))).status, 218);
  const assigned = await ask(await respond('upa', `up.statusCode = 219; up.writeJson({ a: 1 })`));
  assert.deepEqual([assigned.status, assigned.text], [219, '{"a":1}']);
  assert.equal((await ask(await respond('upb', `up.statusCode = 220`))).status, 220, 'without a body too');
  const both = await ask(
    await respond('upc', `ctx.response().headers.set('X-Mine', 'm'); up.headers.del('x-up'); up.headers.add('X-Added', 'a')`),
  );
  assert.deepEqual([both.headers['x-mine'], both.headers['x-up'], both.headers['x-added']], ['m', undefined, 'a']);
  const own = await ask(await respond('upd', `ctx.response().status(221).json({ own: true })`));
  assert.deepEqual([own.status, own.text], [221, '{"own":true}'], 'ctx.response() is there, and what it sends is the answer');
});

test('changing the request: fields and body travel, assigned members do not', async () => {
  await deploy(gateway, 'change', {
    urls: [upstream.url],
    source: `export const requestModifier = async (ctx: any) => {
      const req = ctx.request()
      req.method = 'DELETE'; req.path = '/elsewhere'; req.host = 'h'; req.query.set('q', 'changed')
      req.headers.set('X-Mod', 'yes'); req.headers.del('X-Drop'); req.headers.add('X-Keep', 'k2')
      req.writeJson({ a: 1 })
      ctx.set('k', { n: 5 })
    }
    export const responseModifier = (ctx: any) => { ctx.upstream().headers.set('X-K', ctx.get('k').n) }`,
  });
  const answer = await ask(`${gateway.proxyUrl}/change/x?q=1`, {
    method: 'POST',
    body: 'original body',
    headers: { 'X-Drop': 'd', 'X-Keep': 'k1' },
  });
  const { line, headers, body } = answer.json();
  const field = (name: string): string[] =>
    headers.filter(([key]: [string]) => key.toLowerCase() === name).map(([, value]: [string, string]) => value);
  assert.equal(line, 'POST /change/x?q=1 HTTP/1.1');
  assert.equal(body, '{"a":1}');
  assert.deepEqual(
    [field('x-mod'), field('x-drop'), field('x-keep'), field('content-length'), field('content-type')],
    [['yes'], [], ['k1', 'k2'], ['7'], ['application/json']],
  );
  assert.equal(answer.headers['x-k'], '5');
});

test('module code cannot break the protocol: bad names, values, statuses and lengths', async () => {
  const throws = async (name: string, code: string): Promise<void> => {
    const answer = await ask(
      await handler(name, `let e = ''; try { ${code} } catch (error: any) { e = error.name } res.send(e || 'accepted')`),
    );
    assert.match(answer.text, /Error$/, code);
  };
  await throws('bad1', `res.headers.set('X-A', 'a\\r\\nX-Injected: 1')`);
  await throws('bad2', `res.headers.set('X A', '1')`);
  await throws('bad3', `res.status(99)`);
  await throws('bad4', `res.cookie('a b', '1')`);
  const framed = await ask(
    await handler(
      'bad5',
      `res.headers.set('Content-Length', '1'); res.headers.set('Transfer-Encoding', 'chunked'); res.headers.set('Connection', 'close'); res.send('whole')`,
    ),
  );
  assert.equal(framed.text, 'whole');
  await deploy(gateway, 'bad6', {
    urls: [upstream.url],
    source: `export const requestModifier = (ctx: any) => { const h = ctx.request().headers; h.set('Content-Length', '1'); h.set('Transfer-Encoding', 'chunked'); h.set('Host', 'evil.test'); h.set('Connection', 'X-Forwarded-For') }`,
  });
  const { headers, body } = (await ask(`${gateway.proxyUrl}/bad6`, { method: 'POST', body: 'whole' })).json();
  assert.equal(body, 'whole');
  assert.ok(headers.some(([name, value]: [string, string]) => name === 'X-Forwarded-For' && value === '127.0.0.1'));
});
