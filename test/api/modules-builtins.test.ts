import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { findFreePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;
let count = 0;

before(async () => {
  upstream = await startUpstream((request, response) => {
    if (!request.url.startsWith('/redirect')) return false;
    response.writeHead(302, { location: '/landed' }).end();
    return true;
  });
  gateway = await startGateway({ config: { log_level: 'debug', proxy: { console_log_level: 'info' } }, env: { MODULE_TEST: 'from env' } });
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

/** Runs an async function body in a requestHandler and gives what it returns, as JSON. */
async function evaluate(body: string, imports = '', namespace = 'default'): Promise<any> {
  // any: results of every shape
  count += 1;
  const source = `${imports}\nconst attempt = async (run: () => unknown) => { try { return await run() } catch (e: any) { return 'threw ' + (e?.message ?? e) } }
    export const requestHandler = async (ctx: any) => { ctx.response().json(await (async () => { ${body} })()) }`;
  await deploy(gateway, `b${count}`, { source, namespace });
  const answer = await ask(`${gateway.proxyUrl}/b${count}?q=1`, { headers: { host: `${namespace}.test` } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

test('dgate: sleep, asyncSleep, retry, fail', async () => {
  const dgate = `import { sleep, asyncSleep, retry, fail } from 'dgate'; import * as root from 'dgate'`;
  const timed = await evaluate(
    `const t = performance.now(); sleep('40ms'); const a = performance.now() - t; await asyncSleep('30ms'); return [a, performance.now() - t]`,
    dgate,
  );
  assert.ok(timed[0] >= 35 && timed[1] >= 60, String(timed));
  assert.deepEqual(
    await evaluate(
      `return [sleep(0), sleep(-5), await attempt(() => sleep('zz')), await attempt(() => sleep({})), await attempt(() => asyncSleep('zz'))].map((x) => x ?? null)`,
      dgate,
    ),
    [
      null,
      null,
      'threw time: invalid duration "zz"',
      'threw sleep() requires a number or string as a first argument',
      'threw time: invalid duration "zz"',
    ],
  );
  assert.deepEqual(
    await evaluate(
      `const seen: number[] = []; return [retry(5, (i: number) => { seen.push(i); return i === 2 && 'found' }), seen, await attempt(() => retry(0, () => 1)), await retry(3, async (i: number) => i === 1 ? 'later' : null), await attempt(() => fail('told')), Object.keys(root).filter((k) => ['http', 'util', 'state', 'crypto', 'storage'].includes(k)).length]`,
      dgate,
    ),
    ['found', [0, 1, 2], 'threw num must be greater than 0', 'later', 'threw told', 5],
  );
});

test('dgate/crypto', async () => {
  const crypto = `import * as c from 'dgate/crypto'; import { createHash as again } from 'sekisho/crypto'`;
  const hash = (algorithm: string): string => createHash(algorithm).update('a').digest('hex');
  const names = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256'];
  const results = await evaluate(
    `return ${JSON.stringify(names)}.map((name: any) => [c.createHash(name).update('a').digest('hex'), (c as any)[name]('a', 'hex')])`,
    crypto,
  );
  for (const [i, name] of names.entries()) assert.deepEqual(results[i], [hash(name.replace('_', '-')), hash(name.replace('_', '-'))], name);
  const digest = createHash('sha256').update('ab').digest();
  const padded = digest.toString('base64');
  assert.deepEqual(
    await evaluate(
      `return ['hex','base64','b64','base64raw','b64raw','base64url','base64rawurl','b64rawurl'].map((e) => c.createHash('sha256').update('a').update(new Uint8Array([98])).digest(e))`,
      crypto,
    ),
    [
      digest.toString('hex'),
      padded,
      padded,
      padded.replace(/=/g, ''),
      padded.replace(/=/g, ''),
      padded.replaceAll('+', '-').replaceAll('/', '_'),
      digest.toString('base64url'),
      digest.toString('base64url'),
    ],
  );
  const key = createHmac('sha256', 'k').update('a').digest('hex');
  assert.deepEqual(
    await evaluate(
      `const ints = Array.from({ length: 50 }, () => c.randomInt(3)), ranged = Array.from({ length: 50 }, () => c.randomInt(5, 7))
       return [c.createHmac('sha256', 'k').update('a').digest('hex'), c.hmac('sha256', 'k', 'a', 'hex'), c.hexEncode('abc'), c.randomBytes(8).byteLength, await attempt(() => c.randomBytes(0)),
         ints.every((n) => n >= 0 && n < 3), ranged.every((n) => n === 5 || n === 6), c.createHash('md5').update('x').digest() instanceof ArrayBuffer, c.getHashes().includes('sha256'),
         await attempt(() => c.createHash('nope')), await attempt(() => c.sha256(5 as any)), /^[0-9a-f-]{36}$/.test(c.randomUUID()), again('sha1').update('a').digest('hex').length]`,
      crypto,
    ),
    [
      key,
      key,
      '616263',
      8,
      'threw invalid size',
      true,
      true,
      true,
      true,
      'threw invalid hash algorithm: nope (one of md5, sha1, sha256, sha384, sha512, sha512_224, sha512_256)',
      'threw invalid type number, expected (string, []byte or ArrayBuffer)',
      true,
      40,
    ],
  );
});

test('fetch: options, the answer, redirects, several at once, failures', async () => {
  const [closed] = await findFreePorts(1);
  const http = `import { fetch as imported } from 'dgate/http'; const base = '${upstream.url}'; const closed = ${closed}`;
  const [same, one] = await evaluate(
    `const r = await fetch(base + '/f?x=1', { method: 'POST', body: 'hi', headers: { 'X-A': '1', 'Content-Type': 'text/x' } }); const j: any = await r.json()
     return [fetch === imported, { line: j.line, body: j.body, agent: j.headers.find((h: any) => h[0].toLowerCase() === 'user-agent')[1], a: j.headers.find((h: any) => h[0].toLowerCase() === 'x-a')[1],
       status: r.status, text: r.statusText, ok: r.ok, url: r.url, redirected: r.redirected, type: r.headers.get('content-type'), none: r.headers.get('x-none'), time: typeof r._debug_time }]`,
    http,
  );
  assert.equal(same, true);
  assert.deepEqual(one, {
    line: 'POST /f?x=1 HTTP/1.1',
    body: 'hi',
    agent: 'DGate-Client/1.0',
    a: '1',
    status: 200,
    text: '200 OK',
    ok: true,
    url: `${upstream.url}/f?x=1`,
    redirected: false,
    type: 'application/json',
    none: '',
    time: 'number',
  });
  assert.deepEqual(
    await evaluate(
      `const kinds = []
       for (const options of [{}, { redirects: 'manual' }, { redirect: 'manual' }, { redirects: 'error' }] as any[]) kinds.push(await attempt(async () => { const r = await fetch(base + '/redirect', options); return r.status + ' ' + r.redirected }))
       const r = await fetch(base + '/status/503'); const t = await r.text()
       return [...kinds.slice(0, 3), String(kinds[3]).startsWith('threw'), r.ok, r.status, t, await attempt(() => r.text()), (await (await fetch(base + '/size/9')).arrayBuffer()).byteLength]`,
      http,
    ),
    ['200 true', '302 false', '302 false', true, false, 503, '{"status":503}', 'threw body already used', 9],
  );
  assert.deepEqual(
    await evaluate(
      `const all = await Promise.allSettled([fetch(base + '/1'), fetch(base + '/2'), fetch('http://127.0.0.1:' + closed)]); let threw = false
       try { fetch('no url') } catch { threw = true }
       return [all.map((r) => r.status), /ECONNREFUSED|connect/.test((all[2] as any).reason.message), threw]`,
      http,
    ),
    [['fulfilled', 'fulfilled', 'rejected'], true, true],
  );
});

test('dgate/state: documents and collections of the own namespace', async () => {
  const state = `import * as S from 'dgate/state'`;
  await gateway.put('collection', {
    name: 'c',
    type: 'document',
    visibility: 'public',
    schema: { type: 'object', properties: { n: { type: 'integer' } } },
  });
  assert.deepEqual(
    await evaluate(
      `const added = await S.addDocument({ id: 'd1', collection: 'c', data: { n: 1 } }); const got: any = await S.getDocument('d1', 'c')
       for (let i = 2; i < 6; i += 1) await S.addDocument({ id: 'd' + i, collection: 'c', data: { n: i } })
       const ids = async (q: any) => (await S.getDocuments({ collection: 'c', ...q })).map((d: any) => d.id)
       return [added, Object.keys(got).sort(), got.data.n, got.namespace, await S.getDocument('zz', 'c'), await attempt(() => S.getDocument('d1', 'nope')), await ids({}), await ids({ limit: 2 }), await ids({ limit: 2, offset: 3 }),
         await attempt(() => S.getDocuments({} as any)), (await S.deleteDocument({ id: 'd1', collection: 'c' })), await S.getDocument('d1', 'c')]`,
      state,
    ),
    [
      { id: 'd1', collection: 'c', data: { n: 1 } },
      ['collection', 'createdAt', 'data', 'id', 'namespace', 'updatedAt'],
      1,
      'default',
      null,
      'threw collection not found: nope',
      ['d1', 'd2', 'd3', 'd4', 'd5'],
      ['d1', 'd2'],
      ['d4', 'd5'],
      'threw collection name is required',
      { id: 'd1', collection: 'c' },
      null,
    ],
  );
  assert.equal((await gateway.admin('GET', '/api/v1/document/d2?collection=c')).json().data.data.n, 2, 'the admin API sees the same');
  const refused = await evaluate(`return await attempt(() => S.addDocument({ id: 'x', collection: 'c', data: { n: 'text' } }))`, state);
  assert.match(refused, /^threw .*n/, 'the schema is kept');
  assert.deepEqual(
    await evaluate(
      `await S.addCollection({ name: 'made', schema: { type: 'object' }, visibility: 'public', type: 'document' }); const made: any = await S.getCollection('made')
       await S.deleteCollection({ name: 'made' }); return [made.name, made.type, made.visibility, made.schema, String(await attempt(() => S.getCollection('made'))).slice(0, 5)]`,
      state,
    ).then((all: unknown[]) => all.slice(0, 4)),
    ['made', 'document', 'public', { type: 'object' }],
  );
  await gateway.put('namespace', { name: 'other' });
  await gateway.put('domain', { name: 'other', namespace: 'other', patterns: ['other.test'] });
  assert.deepEqual(
    await evaluate(
      `return [await attempt(() => S.getDocument('d2', 'c')), String(await attempt(() => S.addDocument({ id: 'x', collection: 'c', data: {}, namespace: 'default' } as any))).slice(0, 5)]`,
      state,
      'other',
    ),
    ['threw collection not found: c', 'threw'],
  );
});

test('dgate/storage and sekisho/secrets', async () => {
  const storage = `import { getCache, setCache } from 'dgate/storage'; import { getSecret } from 'sekisho/secrets'`;
  assert.deepEqual(
    await evaluate(
      `const before = getCache('k'); const value: any = { n: 1, list: [1] }; setCache('k', value, { ttl: 60 }); value.list.push(2); setCache('forever', 'f'); setCache('short', 1, { ttl: 2 })
       const now = getCache('short'); for (let i = 0; i < 500 && getCache('short') !== null; i += 1) await new Promise((r) => setTimeout(r, 50))
       return [before, getCache('k'), getCache('forever'), now, getCache('short'), await attempt(() => setCache('', 1)), await attempt(() => getCache('')), await attempt(() => setCache('k', 1, { ttl: -1 }))]`,
      storage,
    ),
    [
      null,
      { n: 1, list: [1] },
      'f',
      1,
      null,
      'threw cache id cannot be empty',
      'threw cache id cannot be empty',
      'threw TTL cannot be negative',
    ],
  );
  assert.deepEqual(await evaluate(`return getCache('k')`, storage), { n: 1, list: [1] }, 'shared by the modules of a namespace');
  assert.equal(await evaluate(`return getCache('k')`, storage, 'other'), null, 'and by no other');
  await gateway.put('secret', { name: 'key', data: 'p@ss é' });
  assert.deepEqual(await evaluate(`return [await getSecret('key'), await getSecret('none')]`, storage), ['p@ss é', null]);
  await gateway.put('secret', { name: 'key', data: 'changed' });
  assert.deepEqual(await evaluate(`return [await getSecret('key')]`, storage), ['changed']);
  assert.equal(await evaluate(`return await getSecret('key')`, storage, 'other'), null);
});

test('globals: those of DGate and the usual ones; none that reach outside', async () => {
  assert.deepEqual(
    await evaluate(
      `return [process.env.MODULE_TEST, typeof (process as any).host, Buffer.from('aGk=', 'base64').toString(), Buffer.from('6869', 'hex').toString('utf8'), Buffer.alloc(2, 1).toString('hex'), Buffer.from('a').equals(Buffer.from([97])), Buffer.from('x') instanceof Uint8Array,
        new URL('http://h/p?a=1').searchParams.get('a'), new URLSearchParams('a=1&a=2').getAll('a').length, atob(btoa('hi')), new TextDecoder().decode(new TextEncoder().encode('é')),
        typeof crypto.randomUUID(), typeof structuredClone, typeof queueMicrotask, typeof performance.now(), typeof AbortController, typeof Headers, typeof Intl, typeof globalThis, typeof setImmediate, typeof require, typeof module, typeof exports]`,
    ),
    [
      'from env',
      'string',
      'hi',
      'hi',
      '0101',
      true,
      true,
      '1',
      2,
      'hi',
      'é',
      'string',
      'function',
      'function',
      'number',
      'function',
      'function',
      'object',
      'object',
      'function',
      'function',
      'object',
      'object',
    ],
  );
  assert.deepEqual(
    await evaluate(
      `return [await attempt(() => (process as any).exit(3)), await attempt(() => require(['f', 's'].join(''))), await attempt(() => (globalThis as any).process.binding('fs'))].map((x: string) => x.startsWith('threw'))`,
    ),
    [true, true, true],
  );
});

test('timers: those of a request end with it; intervals and immediates run', async () => {
  assert.deepEqual(
    await evaluate(
      `const order: string[] = []; await new Promise<void>((resolve) => { setImmediate(() => order.push('immediate')); const i = setInterval(() => { order.push('interval'); if (order.length > 3) { clearInterval(i); resolve() } }, 50); const t = setTimeout(() => order.push('never'), 5); clearTimeout(t); queueMicrotask(() => order.push('micro')) })
       return order`,
    ),
    ['micro', 'immediate', 'interval', 'interval'],
  );
  // Where sending and ending take a while, timers may run within the request; they stand still once it is over.
  const source = `let late = 0; export const requestHandler = (ctx: any) => { ctx.response().send(String(late)); if (!ctx.request().query.get('start')) return; setTimeout(() => { late += 1 }, 20); setInterval(() => { late += 1 }, 5) }`;
  const url = await deploy(gateway, 'late', { source });
  await ask(`${url}?start=1`);
  let last = '';
  await until('the timers of the request that is over stand still', async () => {
    const seen = (await ask(url)).text;
    if (seen === last) return true;
    last = seen;
    await sleep(60);
    return false;
  });
});

test('console goes to the log with module, route and request, from console_log_level on', async () => {
  await evaluate(
    `console.debug('not shown'); console.log('shown %s %d %j', 'text', 5, { a: 1 }, 'extra'); console.warn('warned', { deep: [1] }); console.error(new Error('as error').message); return 1`,
  );
  await until('the lines are logged', () => gateway.log().includes('as error'));
  const lines = gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('module.console'))
    .map((line) => JSON.parse(line));
  const shown = lines.find(({ msg }) => msg.startsWith('shown'));
  assert.equal(shown.msg, 'shown text 5 {"a":1} extra');
  assert.deepEqual([shown.level, shown.module, shown.route, shown.namespace], ['info', `b${count}`, `b${count}`, 'default']);
  assert.ok(shown.requestId);
  assert.deepEqual(
    lines.filter(({ msg }) => msg.startsWith('warned') || msg === 'as error').map(({ level }) => level),
    ['warn', 'error'],
  );
  assert.ok(!gateway.log().includes('not shown'));
});

test('one request that waits does not hold up others of the same module', async () => {
  const url = await deploy(gateway, 'waits', {
    source: `export const requestHandler = async (ctx: any) => { await new Promise((r) => setTimeout(r, 1000)); ctx.response().send(ctx.request().query.get('n')) }`,
  });
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(`${url}?n=${n}`)));
  assert.deepEqual(
    answers.map(({ text }) => text),
    Array.from({ length: 40 }, (_, n) => `${n}`),
  );
  assert.ok(performance.now() - startedAt < 30_000, 'one after the other takes 40 s');
});
