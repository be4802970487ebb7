import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy, putModule } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  const files = {
    'node_modules/tiny/package.json': '{"name":"tiny","version":"1.0.0","main":"index.js"}',
    'node_modules/tiny/index.js': 'exports.double = (n) => n * 2;',
    'node_modules/esm/package.json': '{"name":"esm","version":"1.0.0","type":"module","exports":"./i.js"}',
    'node_modules/esm/i.js': 'export default "from esm";',
  };
  [gateway, upstream] = await Promise.all([
    startGateway({ config: { modules: { npm_path: '.', sync_timeout: '5s' } }, files }),
    startUpstream(),
  ]);
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

let count = 0;
const text = async (source: string, rest: { libraries?: Record<string, string>; moduleType?: 'javascript' } = {}): Promise<string> => {
  count += 1;
  return (await ask(await deploy(gateway, `l${count}`, { source, ...rest }))).text;
};

test('hooks are found however they are exported, or not at all', async () => {
  const send = (what: string): string => `(ctx) => ctx.response().send('${what}')`;
  assert.equal(await text(`export const requestHandler = ${send('const')}`), 'const');
  assert.equal(await text(`export function requestHandler(ctx: any): void { ctx.response().send('function') }`), 'function');
  assert.equal(await text(`const requestHandler = ${send('not exported')}`), 'not exported');
  assert.equal(await text(`function requestHandler(ctx: any) { ctx.response().send('declared') }`), 'declared');
  assert.equal(await text(`export default function requestHandler(ctx: any) { ctx.response().send('default') }`), 'default');
  assert.equal(await text(`const inner = ${send('renamed')}; export { inner as requestHandler }`), 'renamed');
  assert.equal(await text(`exports.requestHandler = ${send('exports')}`, { moduleType: 'javascript' }), 'exports');
  assert.equal(
    await text(`module.exports = { requestHandler: ${send('module.exports')} }`, { moduleType: 'javascript' }),
    'module.exports',
  );
  assert.equal(await text(`module.exports.requestHandler = ${send('member')}`, { moduleType: 'javascript' }), 'member');
  assert.equal(await text(`export const requestHandler = ${send('esm in javascript')}`, { moduleType: 'javascript' }), 'esm in javascript');
  assert.equal(await text(`var requestHandler = ${send('var')}`, { moduleType: 'javascript' }), 'var');
  assert.equal(
    await text(`export const requestHandler = function (this: unknown, ctx: any) { ctx.response().send(String(this === undefined)) }`),
    'true',
  );
  assert.equal(
    await text(`exports.requestHandler = async (ctx) => ctx.response().json({ x: [...new Set([1, 1])] })`, { moduleType: 'javascript' }),
    '{"x":[1]}',
  );
});

test('TypeScript: types, enums, namespaces, decorators of the modern target, top-level state', async () => {
  const source = `
    interface Shape { readonly a: number }
    enum Colour { Red = 'red', Blue = 'blue' }
    namespace Inner { export const n = 3 }
    const shape = { a: 1 } satisfies Shape
    class Counter { #n = 0; static made = 0; constructor(public readonly step: number) { Counter.made += 1 } next(): number { return (this.#n += this.step) } }
    const counter = new Counter(2)
    const big = 10n ** 20n
    export const requestHandler = async (ctx: any) => {
      const out: string[] = []
      for (const [k, v] of Object.entries({ x: 1, y: 2 })) out.push(k + v)
      for await (const each of (async function* () { yield 'gen' })()) out.push(each)
      ctx.response().json({ shape: shape?.a ?? 0, colour: Colour.Blue, inner: Inner.n, n: counter.next(), out, set: [...new Set([1, 1, 2])], big: String(big), re: /(?<year>\\d+)/.exec('y2024')?.groups?.year })
    }`;
  assert.deepEqual(JSON.parse(await text(source)), {
    shape: 1,
    colour: 'blue',
    inner: 3,
    n: 2,
    out: ['x1', 'y2', 'gen'],
    set: [1, 2],
    big: '100000000000000000000',
    re: '2024',
  });
});

test('imports: by name, with ./ and .ts, folders, transitively, re-exported; only of the same route', async () => {
  const libraries = {
    lib: `export const value = 'lib'; export default 'default of lib'; export * as inner from './dir/deep'`,
    'dir/deep': `import { shared } from './shared'; export const value = 'deep ' + shared; import up from '../lib'; export const back = () => up`,
    'dir/shared': `export const shared = 'shared'`,
    'named.ts': `export const value = 'with extension'`,
  };
  const source = `
    import d, { value, inner } from './lib'
    import { value as bare } from 'lib'
    import * as star from './named.ts'
    import { format } from 'node:util'
    const { value: required } = require('dir/deep')
    export const requestHandler = (ctx: any) => ctx.response().json([d, value, inner.value, inner.back(), bare, star.value, format('%d', 5), required])`;
  assert.deepEqual(JSON.parse(await text(source, { libraries })), [
    'default of lib',
    'lib',
    'deep shared',
    'default of lib',
    'lib',
    'with extension',
    '5',
    'deep shared',
  ]);
  assert.equal(
    await text(`export { requestHandler } from './lib2'`, {
      libraries: { lib2: `export const requestHandler = (ctx: any) => ctx.response().send('re-exported')` },
    }),
    're-exported',
  );
  assert.equal(
    await text(`export * from './lib3'`, {
      libraries: { lib3: `export const requestHandler = (ctx: any) => ctx.response().send('star')` },
    }),
    'star',
  );

  const refused = await gateway.admin('PUT', '/api/v1/route', { name: 'alone', paths: ['/alone'], methods: ['GET'], modules: ['l15'] });
  assert.equal(refused.status, 400, 'the libraries exist, but are not attached to this route');
  assert.ok(refused.json().error.includes('lib'));
});

test('re-exported and imported hooks with a service', async () => {
  await deploy(gateway, 'mm1', {
    urls: [upstream.url],
    libraries: {
      mm2: `const q = (ctx: any) => ctx.request().writeJson({ a: 1 })
        const r = async (ctx: any) => ctx.upstream()?.writeJson({ body: await ctx.upstream()?.readJson(), status: ctx.upstream()?.statusCode, hdr: ctx.upstream()?.headers, text: ctx.upstream()?.statusText })
        export { q as requestModifier, r as responseModifier }`,
    },
    source: `export { requestModifier } from './mm2'
      import { responseModifier as rm } from './mm2'
      const responseModifier = async (ctx: any) => rm(ctx)`,
  });
  const { body, status, hdr, text: reason } = (await ask(`${gateway.proxyUrl}/mm1`, { method: 'POST', body: 'x' })).json();
  assert.deepEqual([body.body, status, hdr['X-Up'], reason], ['{"a":1}', 200, ['1'], '200 OK']);
});

test('npm packages come from npm_path; node built-ins that reach outside do not', async () => {
  assert.equal(
    await text(
      `import { double } from 'tiny'; import e from 'esm'; export const requestHandler = (ctx: any) => ctx.response().send(e + double(21))`,
    ),
    'from esm42',
  );
  for (const name of ['fs', 'node:fs', 'net', 'child_process', 'worker_threads', './nowhere', 'no-such-package', 'dgate/nothing']) {
    await putModule(gateway, 'imports', `import * as it from '${name}'; export const requestHandler = () => it`);
    const refused = await gateway.admin('PUT', '/api/v1/route', {
      name: 'imports',
      paths: ['/imports'],
      methods: ['GET'],
      modules: ['imports'],
    });
    assert.equal(refused.status, 400, name);
    assert.ok(refused.json().error.includes(name.replace('./', '')), refused.text);
  }
});

test('a module that does not load refuses its route, with the place; unused it may be stored', async () => {
  const sources: Readonly<Record<string, readonly [string, RegExp]>> = {
    syntax: [`export const requestHandler = (ctx: any) => {\n  ctx.;\n}`, /syntax\.ts:2:\d+/],
    top: [`const a = 1;\nthrow new Error('init');`, /init/],
    reference: [`is is not defined`, /reference\.ts:1|is/],
    hook: [`export const requestHandler = 5`, /requestHandler/],
    endless: [`for (;;) {}`, /./],
  };
  for (const [name, [source, wanted]] of Object.entries(sources)) {
    await putModule(gateway, name, source);
    const refused = await gateway.admin('PUT', '/api/v1/route', { name: 'broken', paths: ['/broken'], methods: ['GET'], modules: [name] });
    assert.equal(refused.status, 400, name);
    assert.match(refused.json().error, wanted);
    assert.equal((await ask(`${gateway.proxyUrl}/broken`)).status, 404);
  }
  for (const [payload, status] of [
    ['', 400],
    ['!!!', 400],
    [
      Buffer.from('export const a = 1')
        .toString('base64')
        .replace(/(.{8})/g, '$1\n'),
      201,
    ],
  ] as const)
    assert.equal((await gateway.admin('PUT', '/api/v1/module', { name: 'payload', payload })).status, status, payload);
});

test('globals of a module live from request to request, and each route has its own', async () => {
  const source = `let n = 0; globalThis.seen = (globalThis.seen ?? 0) + 1; export const requestHandler = (ctx: any) => ctx.response().send(String(++n) + globalThis.seen)`;
  const first = await deploy(gateway, 'count', { source });
  const answers: string[] = [];
  for (let i = 0; i < 5; i += 1) answers.push((await ask(first)).text);
  assert.deepEqual(answers, ['11', '21', '31', '41', '51']);
  await gateway.put('namespace', { name: 'other' });
  await gateway.put('domain', { name: 'other', namespace: 'other', patterns: ['other.test'] });
  await deploy(gateway, 'count', { source, namespace: 'other' });
  assert.equal((await ask(`${gateway.proxyUrl}/count`, { headers: { host: 'other.test' } })).text, '11', 'another namespace');
  await deploy(gateway, 'count', { source: `${source} // changed` });
  assert.equal((await ask(first)).text, '11', 'a changed module begins anew');
});

test('an empty or hookless entry serves 501, behind a service it changes nothing', async () => {
  assert.equal((await ask(await deploy(gateway, 'hookless', { source: `export const other = 1` }))).status, 501);
  assert.equal((await ask(await deploy(gateway, 'idle', { urls: [upstream.url], source: `export const other = 1` }))).status, 200);
});
