import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { handle, loadModule, testRequest, testRuntime } from '../../test/support/module-runtime.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import type { ModuleRuntime, PhaseFailure, ProgramSource } from './types.ts';

async function withRuntime(options: Parameters<typeof testRuntime>[0], work: (runtime: ModuleRuntime) => Promise<void>): Promise<void> {
  const runtime = testRuntime(options);
  try {
    await work(runtime);
  } finally {
    await runtime.close();
  }
}

const causeOf = (failure: PhaseFailure | undefined): Error => failure?.error.cause as Error;
const typescript = (name: string, source: string) => ({ name, type: 'typescript' as const, source });
const javascript = (name: string, source: string) => ({ name, type: 'javascript' as const, source });
const program = (...modules: ProgramSource['modules']): ProgramSource => ({ namespace: 'default', modules });
const text = async (runtime: ModuleRuntime, source: ProgramSource): Promise<string | undefined> => {
  const loaded = await runtime.load(source);
  const answer = await handle(loaded);
  loaded.release();
  return answer.response?.body.toString() ?? answer.failure?.error.message;
};

describe('how hooks are found', () => {
  const SEND = "(ctx) => ctx.response().send('yes')";
  const FORMS: readonly (readonly [string, ProgramSource['modules'][number]])[] = [
    ['export const', typescript('m', `export const requestHandler = ${SEND}`)],
    [
      'export default function of that name',
      typescript('m', "export default function requestHandler(ctx: any) { ctx.response().send('yes') }"),
    ],
    ['not exported', typescript('m', `const requestHandler = ${SEND}`)],
    [
      'a function declaration without export, in JavaScript',
      javascript('m', "function requestHandler(ctx) { ctx.response().send('yes') }"),
    ],
    ['exports.name', javascript('m', `exports.requestHandler = ${SEND}`)],
    ['exports.name in TypeScript', typescript('m', `exports.requestHandler = ${SEND.replace('ctx', 'ctx: any')}`)],
    ['module.exports', javascript('m', `module.exports = { requestHandler: ${SEND} }`)],
    [
      'require of a built-in',
      javascript(
        'm',
        "const { sha1 } = require('dgate/crypto'); exports.requestHandler = (ctx) => ctx.response().send(sha1('a', 'hex') && 'yes')",
      ),
    ],
    [
      'this is undefined in hooks',
      javascript('m', "exports.requestHandler = function (ctx) { ctx.response().send(this === undefined ? 'yes' : 'no') }"),
    ],
  ];
  for (const [name, module] of FORMS) {
    test(name, () => withRuntime({}, async (runtime) => assert.equal(await text(runtime, program(module)), 'yes')));
  }

  test('fetchUpstreamUrl is fetchUpstream, and http:// is assumed', () =>
    withRuntime({}, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        "export const fetchUpstreamUrl = (ctx: any) => (ctx.request().path === '/bad' ? '' : 'a.test:81/p')",
      );
      assert.deepEqual([...loaded.hooks], ['fetchUpstream']);
      assert.deepEqual(await loaded.begin(testRequest()).request(), { upstreamUrl: 'http://a.test:81/p' });
      const { failure } = await loaded.begin(testRequest({ path: '/bad' })).request();
      assert.match(String(causeOf(failure).stack), /fetchUpstream returned an invalid URL/);
    }));

  test('an exported hook that is no function, and a top level that throws, do not load', () =>
    withRuntime({}, async (runtime) => {
      await assert.rejects(loadModule(runtime, 'export const errorHandler = 5'), {
        code: 'MODULE_LOAD',
        message: /invalid function -> errorHandler/,
      });
      await assert.rejects(loadModule(runtime, 'const a = 1\n\n  throw new RangeError("init")'), (error) => {
        assert.ok(error instanceof SekishoError);
        assert.deepEqual(error.errors, [{ pointer: 'm.ts:3:9', detail: 'RangeError: init' }]);
        return true;
      });
      assert.deepEqual(runtime.status(), []);
    }));

  test('syntax errors and top-level await have their place', () =>
    withRuntime({}, async (runtime) => {
      await assert.rejects(loadModule(runtime, 'let a = 1\nlet b = ;'), { code: 'MODULE_COMPILE', message: 'm.ts:2:9: Unexpected ";"' });
      await assert.rejects(loadModule(runtime, 'await 1'), {
        code: 'MODULE_COMPILE',
        message: /m\.ts:1:1: await is only possible inside functions/,
      });
    }));
});

describe('several modules', () => {
  test('names are resolved like paths, with and without extension; re-exports work; an imported name is no hook', () =>
    withRuntime({}, async (runtime) => {
      const source = program(
        typescript(
          'app/main',
          "import { a } from './lib/a'; import { b } from 'app/b.ts'; import c from '../c.js'; export { requestHandler } from './lib/a'; import { errorHandler } from './b'; void [b, c, errorHandler]",
        ),
        typescript(
          'app/lib/a',
          "import c from '../../c'; export const a = 1; export const requestHandler = (ctx: any) => ctx.response().send('a' + c)",
        ),
        typescript('app/b', 'export const b = 2; export const errorHandler = () => {}'),
        javascript('c.js', "module.exports = 'c'"),
      );
      const loaded = await runtime.load(source);
      assert.deepEqual([...loaded.hooks], ['requestHandler']);
      assert.equal(await text(runtime, source), 'ac');
    }));

  test('npm packages come from npm_path, built-ins win over modules of their name', () =>
    withRuntime({}, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'npm-'));
      mkdirSync(join(folder, 'node_modules/tiny'), { recursive: true });
      writeFileSync(join(folder, 'node_modules/tiny/package.json'), '{"name":"tiny","main":"./lib.js"}');
      writeFileSync(join(folder, 'node_modules/tiny/lib.js'), "exports.tiny = require('util').format('%s', 'tiny')");
      await withRuntime({ npmPath: folder }, async (runtime) => {
        const entry = typescript(
          'm',
          "import { tiny } from 'tiny'; import { sha1 } from 'dgate/crypto'; export const requestHandler = (ctx: any) => ctx.response().send(tiny + sha1('a', 'hex').length)",
        );
        assert.equal(await text(runtime, program(entry, typescript('dgate/crypto', 'export const sha1 = () => "fake"'))), 'tiny40');
      });
      rmSync(folder, { recursive: true });
    }));
});

describe('failures', () => {
  test('stacks speak of the modules as written, also in libraries', () =>
    withRuntime({}, async (runtime) => {
      const seen: Event[] = [];
      const stop = subscribe((event) => seen.push(event));
      const loaded = await runtime.load(
        program(
          typescript('m', "import { f } from './lib'\n\nexport const requestHandler = async (ctx: any) => {\n  await null\n  f()\n}"),
          typescript('lib', 'interface X { a: 1 }\n\nexport function f() {\n  throw new TypeError("deep")\n}'),
        ),
      );
      const { failure } = await handle(loaded);
      stop();
      const stack = 'TypeError: deep\n    at f (lib.ts:4:9)\n    at requestHandler (m.ts:5:3)';
      assert.equal(causeOf(failure).stack, stack);
      assert.equal(failure?.error.message, 'The requestHandler of module m.ts failed.');
      assert.ok(seen.some((event) => event.type === 'module.failed' && event.text === stack && event.hook === 'requestHandler'));
    }));

  test('errorHandler gets the error itself, in the same call; also after the deadline', () =>
    withRuntime({ timeoutMs: 3000 }, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        `const mine = new Error('mine'); export const requestHandler = async (ctx: any) => { if (ctx.request().path === '/slow') await new Promise(() => {}); throw mine }
         export const errorHandler = (ctx: any, e: any) => ctx.response().status(418).json({ same: e === mine, code: e.code ?? null, message: e.message })`,
      );
      assert.equal((await handle(loaded)).response?.body.toString(), '{"same":true,"code":null,"message":"mine"}');
      const late = await handle(loaded, testRequest({ path: '/slow' }));
      assert.match(String(late.response?.body), /"code":"MODULE_TIMEOUT"/);
    }));

  test('a silent errorHandler leaves the failure, one that throws is the failure; upstream errors keep their code', () =>
    withRuntime({}, async (runtime) => {
      const silent = await loadModule(runtime, 'export const requestHandler = () => { throw 1 }; export const errorHandler = () => {}');
      assert.equal((await handle(silent)).failure?.hook, 'requestHandler');
      const down = new SekishoError('UPSTREAM_CONNECT', 'connect ECONNREFUSED 127.0.0.1:1');
      assert.deepEqual((await silent.begin(testRequest()).error(down)).failure, { hook: 'errorHandler', error: down });
      const thrower = await loadModule(runtime, 'export const errorHandler = (ctx: any, e: any) => { throw new Error(e.code) }');
      const { failure } = await thrower.begin(testRequest()).error(down);
      assert.deepEqual(
        [failure?.hook, failure?.error.code, causeOf(failure).message],
        ['errorHandler', 'MODULE_FAILED', 'Error: UPSTREAM_CONNECT'],
      );
    }));

  test('requestModifier that fails is not for errorHandler, and one that answers is final', () =>
    withRuntime({}, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        `export const requestModifier = (ctx: any) => { if (ctx.request().path === '/answer') ctx.response().status(401).end(); else throw new Error('no') }
         export const requestHandler = (ctx: any) => ctx.response().send('handler'); export const errorHandler = (ctx: any) => ctx.response().send('recovered')`,
      );
      assert.equal((await handle(loaded)).failure?.hook, 'requestModifier');
      assert.equal((await handle(loaded, testRequest({ path: '/answer' }))).response?.status, 401);
      assert.equal((await loaded.begin(testRequest({ path: '/answer' })).request()).response?.status, 401);
    }));

  test('more calls than max_queue are refused', () =>
    withRuntime({ maxQueue: 2 }, async (runtime) => {
      const loaded = await loadModule(runtime, 'export const requestHandler = () => new Promise((r) => setTimeout(r, 50))');
      const codes = await Promise.all([1, 2, 3].map(async () => (await handle(loaded)).failure?.error.code));
      assert.deepEqual(codes, [undefined, undefined, 'MODULE_BUSY']);
    }));
});

describe('programs', () => {
  test('equal sources share one thread and its globals until the last one gives it back', () =>
    withRuntime({}, async (runtime) => {
      const source = 'let n = 0; export const requestHandler = (ctx: any) => ctx.response().json(++n)';
      const [first, second] = await Promise.all([loadModule(runtime, source), loadModule(runtime, source)]);
      assert.equal(first, second);
      assert.equal((await handle(first)).response?.body.toString(), '1');
      first.release();
      assert.equal((await handle(second)).response?.body.toString(), '2');
      assert.equal(runtime.status().length, 1);
      second.release();
      assert.equal(runtime.status().length, 0);
      assert.equal((await handle(await loadModule(runtime, source))).response?.body.toString(), '1');
    }));

  test('a request that is under way keeps its ctx and its thread though the program was given back', () =>
    withRuntime({}, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        'export const requestModifier = (ctx: any) => ctx.set("k", 7); export const responseModifier = (ctx: any) => ctx.upstream().writeJson(ctx.get("k"))',
      );
      const invocation = loaded.begin(testRequest());
      const late = loaded.begin(testRequest());
      await invocation.request();
      loaded.release();
      const head = { status: 200, reason: 'OK', headers: [], protocol: 'HTTP/1.1', contentLength: 0 };
      assert.equal((await invocation.response(head)).body?.toString(), '7');
      invocation.end();
      assert.equal((await late.response(head)).body?.toString(), 'null', 'one that had not begun starts a thread again');
      late.end();
    }));

  test('max_threads: the thread unused for longest makes room, and comes back when it is called', () =>
    withRuntime({ maxThreads: 2 }, async (runtime) => {
      const make = (name: string) =>
        loadModule(runtime, `export const requestHandler = (ctx: any) => ctx.response().send('${name}')`, name);
      const [a, b, c] = [await make('a'), await make('b'), await make('c')];
      assert.deepEqual(
        runtime.status().map(({ module, state }) => [module, state]),
        [
          ['a', 'idle'],
          ['b', 'running'],
          ['c', 'running'],
        ],
      );
      for (const loaded of [a, b, c, a]) assert.equal((await handle(loaded)).response?.body.toString(), loaded.module);
      assert.equal(runtime.status().filter(({ state }) => state === 'running').length, 2);
    }));

  test('a body is fetched beforehand once a program has read one', () =>
    withRuntime({}, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        'export const requestHandler = (ctx: any) => { if (ctx.request().path === "/read") ctx.response().send(ctx.request().readText()) }',
      );
      let reads = 0;
      const request = (path: string) =>
        testRequest({
          path,
          contentLength: 2,
          readRequestBody: async () => {
            reads += 1;
            return Buffer.from('hi');
          },
        });
      await handle(loaded, request('/skip'));
      assert.equal(reads, 0);
      assert.equal((await handle(loaded, request('/read'))).response?.body.toString(), 'hi');
      await handle(loaded, request('/skip'));
      assert.equal(reads, 2);
    }));

  test('many calls at once are all answered, each with its own', () =>
    withRuntime({}, async (runtime) => {
      const loaded = await loadModule(
        runtime,
        'export const requestHandler = async (ctx: any) => { await new Promise((r) => setTimeout(r, Math.random() * 5)); ctx.response().send(ctx.id) }',
      );
      const ids = Array.from({ length: 500 }, (_, i) => `id-${i}`);
      const answers = await Promise.all(ids.map(async (id) => (await handle(loaded, testRequest({ id }))).response?.body.toString()));
      assert.deepEqual(answers, ids);
    }));
});
