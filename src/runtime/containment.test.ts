import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { handle, loadModule, testRequest, testRuntime } from '../../test/support/module-runtime.ts';
import { PATIENCE_MS, until } from '../../test/support/until.ts';
import { type Event, subscribe } from '../lib/event.ts';
import type { ModuleRuntime, Program } from './types.ts';

/** Limits of all but time. */
const LIMITS = { heapLimitBytes: 48 * 2 ** 20, rssLimitBytes: 64 * 2 ** 20, quarantineKills: 1000 };
/** Limits that make attacks short; so short that a busy machine may exceed them with code that is innocent. */
const SHORT = { ...LIMITS, timeoutMs: 400, syncTimeoutMs: 300 };

/** Whether memory or time is seen to run out first depends on how busy the machine is. */
const STOPPED = 'MODULE_CRASHED|MODULE_TIMEOUT';

/** Each is the body of a requestHandler that should end its thread or its call, and the code that the caller gets. */
const ATTACKS: readonly (readonly [string, string, string])[] = [
  ['endless loop', 'for (;;) {}', 'MODULE_TIMEOUT'],
  ['endless loop behind an await', 'await null; for (;;) {}', 'MODULE_TIMEOUT'],
  ['regex bomb', '/^(a+)+$/.test("a".repeat(60) + "b")', 'MODULE_TIMEOUT'],
  ['promise flood', 'const again = () => void Promise.resolve().then(again); again(); await new Promise(() => {})', STOPPED],
  ['promise chain without end', 'const again = () => Promise.resolve().then(again); await again()', STOPPED],
  ['nextTick flood', 'const again = () => process.nextTick(again); again(); await new Promise(() => {})', 'MODULE_TIMEOUT'],
  ['blocked on Atomics.wait', 'try { Atomics.wait(new Int32Array(8), 0, 0) } catch {} for (;;) {}', 'MODULE_TIMEOUT'],
  ['loop of synchronous calls', 'for (;;) getCache("k")', 'MODULE_TIMEOUT'],
  ['loop of sleeps', 'for (;;) sleep("1ms")', 'MODULE_TIMEOUT'],
  ['hostile sort', 'const a = [1, 2]; for (;;) a.sort(() => { for (;;) {} })', 'MODULE_TIMEOUT'],
  ['hostile toJSON', 'ctx.response().json({ toJSON() { for (;;) {} } })', 'MODULE_TIMEOUT'],
  ['array bomb', 'const a: any[] = []; for (;;) a.push(new Array(1000).fill(Math.random()))', STOPPED],
  ['array bomb of constants', 'const a: any[] = []; for (;;) a.push(new Array(1000).fill(1))', STOPPED],
  ['loop that V8 replaces while it runs', 'for (;;) new Array(1000).fill(1)', 'MODULE_TIMEOUT'],
  ['string bomb', 'const a: any[] = []; for (let s = "x"; ; s += s + a.length) a.push([...s])', STOPPED],
  ['one huge array', '[..."x".repeat(2 ** 26)]; for (;;) {}', STOPPED],
  ['text split into huge array', '"x".repeat(2 ** 28).split("")', 'MODULE_FAILED'],
  ['sparse array filled', 'new Array(2 ** 30).fill(0)', 'MODULE_FAILED'],
  ['array from a length', 'Array.from({ length: 2 ** 28 })', 'MODULE_FAILED'],
  ['map bomb', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])', STOPPED],
  ['ArrayBuffer bomb', 'const a: any[] = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))', STOPPED],
  [
    'slow ArrayBuffer bomb',
    'const a: any[] = []; for (;;) { a.push(new Uint8Array(4 << 20).fill(1)); await new Promise((r) => setTimeout(r, 1)) }',
    STOPPED,
  ],
  ['unresolved promise', 'await new Promise(() => {})', 'MODULE_TIMEOUT'],
  ['process.exit', 'process.exit(3)', 'MODULE_FAILED'],
  ['process.abort', '(process as any).abort()', 'MODULE_FAILED'],
  ['throw of a string', 'throw "x"', 'MODULE_FAILED'],
  ['throw of null', 'throw null', 'MODULE_FAILED'],
  ['throw of a hostile proxy', 'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })', 'MODULE_FAILED'],
  ['an error whose message throws', 'throw Object.defineProperty(new Error(), "message", { get() { throw 1 } })', 'MODULE_FAILED'],
  ['a thenable that throws', 'return { get then() { throw new Error("no") } }', 'MODULE_FAILED'],
  ['deep recursion', 'const f = (n: number): number => f(n + 1) + 1; f(0)', 'MODULE_FAILED'],
  ['deeply nested JSON', 'let a: any = {}; for (let i = 0; i < 1e5; i++) a = { a }; ctx.response().json(a)', 'MODULE_FAILED'],
  ['WebAssembly', 'new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))', 'MODULE_FAILED'],
  ['WebAssembly memory', 'new (WebAssembly as any).Memory({ initial: 1 })', 'MODULE_FAILED'],
  ['SharedArrayBuffer', 'new SharedArrayBuffer(8)', 'MODULE_FAILED'],
  ['require of fs', '(require as any)(["f", "s"].join(""))', 'MODULE_FAILED'],
  ['import of fs', 'await import(["f", "s"].join(""))', 'MODULE_FAILED'],
  ['import of a file', 'await import(["/etc", "passwd"].join("/"))', 'MODULE_FAILED'],
  ['process of the global constructor', 'globalThis.constructor.constructor("return process.binding(\'fs\')")()', 'MODULE_FAILED'],
  ['import from a function of the constructor', 'await (Function("return import(\'node:fs\')")())', 'MODULE_FAILED'],
  ['process.getBuiltinModule', '(process as any).getBuiltinModule("fs")', 'MODULE_FAILED'],
];

describe('attacks on the gateway', { concurrency: false }, () => {
  let short: ModuleRuntime;
  let runtime: ModuleRuntime;
  let neighbour: Program;

  before(async () => {
    short = testRuntime(SHORT);
    runtime = testRuntime(LIMITS);
    neighbour = await loadModule(runtime, 'export const requestHandler = (ctx: any) => ctx.response().send("fine")', 'neighbour');
  });
  after(() => Promise.all([short.close(), runtime.close()]));

  for (const [name, body, code] of ATTACKS) {
    test(`${name}: ${code}, and the neighbour answers`, async () => {
      const source = `import { getCache } from 'dgate/storage'; import { sleep } from 'dgate'; void [getCache, sleep];
         export const requestHandler = async (ctx: any) => { if (ctx.request().path !== '/ok') { ${body} } }`;
      const host = code === 'MODULE_FAILED' ? runtime : short;
      const program = await until('it is loaded', () => loadModule(host, source, 'attacker').catch(() => undefined));
      const started = performance.now();
      const attack = handle(program);
      let slowest = 0;
      const after10Ms = (): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), 10));
      do {
        const asked = performance.now();
        assert.equal((await handle(neighbour)).response?.body.toString(), 'fine');
        slowest = Math.max(slowest, performance.now() - asked);
      } while ((await Promise.race([attack, after10Ms()])) === undefined);
      const { failure, response } = await attack;
      assert.equal(response, undefined);
      assert.match(failure?.error.code ?? '', new RegExp(`^(${code})$`), failure?.error.message);
      assert.ok(performance.now() - started < PATIENCE_MS, 'it took too long to stop it');
      assert.ok(slowest < PATIENCE_MS / 3, `the neighbour took ${slowest} ms`);
      await until('the program works again', async () => Object.keys(await handle(program, testRequest({ path: '/ok' }))).length === 0);
      program.release();
    });
  }

  test('an endless loop at top level does not load', async () => {
    await assert.rejects(loadModule(short, 'for (;;) {}', 'loop'), { code: 'MODULE_LOAD', message: /blocked its thread/ });
  });

  test('an array bomb at top level does not load', async () => {
    await assert.rejects(loadModule(short, 'const a: any[] = []; for (;;) a.push(new Array(1000).fill(1))', 'bomb'), {
      code: 'MODULE_LOAD',
      message: /MB of heap|process grew|blocked its thread/,
    });
  });

  test('a missing import does not compile, and says what may be imported', async () => {
    await assert.rejects(loadModule(runtime, 'import { x } from "./nope"\nexport const requestHandler = () => x', 'missing'), {
      code: 'MODULE_COMPILE',
      message: /missing\.ts:1:19: "\.\/nope" not found\. A module may import .*dgate/,
    });
    await assert.rejects(loadModule(runtime, 'import fs from "node:fs"\nexport const requestHandler = () => fs', 'fs'), {
      code: 'MODULE_COMPILE',
    });
  });

  test('stray failures are told, and the thread lives on', async () => {
    const seen: Event[] = [];
    const stop = subscribe((event) => seen.push(event));
    const program = await loadModule(
      runtime,
      'let n = 0; export const requestHandler = async (ctx: any) => { n++; Promise.reject(new Error("stray")); setTimeout(() => { throw new Error("late") }, 0); await new Promise((r) => setTimeout(r, 20)); ctx.response().json(n) }',
      'stray',
    );
    assert.equal((await handle(program)).response?.body.toString(), '1');
    assert.equal((await handle(program)).response?.body.toString(), '2');
    stop();
    const failed = seen.filter((event) => event.type === 'module.failed');
    assert.deepEqual([...new Set(failed.map((event) => event.hook))].toSorted(), ['uncaughtException', 'unhandledRejection']);
    assert.ok(failed.every((event) => event.requestId === 'req-1' && event.route === 'r'));
    program.release();
  });

  test('a flood of console lines is bounded', async () => {
    let lines = 0;
    const stop = subscribe((event) => {
      if (event.type === 'module.console') lines += 1;
    });
    const program = await loadModule(
      runtime,
      'export const requestHandler = (ctx: any) => { for (let i = 0; i < 20000; i++) console.log("x".repeat(100), i); ctx.response().send("ok") }',
      'flood',
    );
    assert.equal((await handle(program)).response?.body.toString(), 'ok');
    stop();
    assert.ok(lines > 100 && lines <= 1001, `${lines} lines`);
    program.release();
  });

  test('a polluted prototype hurts its own program alone', async () => {
    const program = await loadModule(
      runtime,
      'export const requestHandler = () => { (Array.prototype as any).push = () => { throw new Error("mine") }; (Map.prototype as any).get = () => ({}) }',
      'polluter',
    );
    const { failure } = await handle(program);
    assert.ok(failure !== undefined);
    assert.equal((await handle(neighbour)).response?.body.toString(), 'fine');
    program.release();
  });
});

describe('quarantine', () => {
  test('repeated kills put a program away until it is released; innocent calls get MODULE_CRASHED', async () => {
    const runtime = testRuntime({ ...LIMITS, syncTimeoutMs: 1000, quarantineKills: 3 });
    const states: string[] = [];
    const stop = subscribe((event) => {
      if (event.type === 'module.thread') states.push(event.state);
    });
    const program = await loadModule(
      runtime,
      'export const requestHandler = async (ctx: any) => { if (ctx.request().path === "/loop") for (;;) {} if (ctx.request().path === "/wait") await new Promise((r) => setTimeout(r, 30_000)); ctx.response().send("ok") }',
    );
    const innocent = handle(program, testRequest({ path: '/wait' }));
    const guilty = handle(program, testRequest({ path: '/loop' }));
    assert.equal((await guilty).failure?.error.code, 'MODULE_TIMEOUT');
    assert.equal((await innocent).failure?.error.code, 'MODULE_CRASHED');
    for (let i = 0; i < 2; i += 1)
      assert.equal((await handle(program, testRequest({ path: '/loop' }))).failure?.error.code, 'MODULE_TIMEOUT');
    const refused = await handle(program);
    assert.equal(refused.failure?.error.code, 'MODULE_QUARANTINED');
    const [status] = runtime.status();
    assert.equal(status?.state, 'quarantined');
    assert.equal(status?.kills, 3);
    assert.match(status?.lastKill?.reason ?? '', /blocked its thread/);
    const again = await runtime.load({
      namespace: 'default',
      modules: [{ name: 'm', type: 'typescript', source: 'export const requestHandler = () => {}' }],
    });
    assert.deepEqual(await handle(again), {}, 'a changed source is another program');
    assert.equal(runtime.release(program.key), true);
    assert.equal(runtime.release(program.key), false);
    assert.equal((await handle(program)).response?.body.toString(), 'ok');
    stop();
    assert.deepEqual(
      states.filter((state) => state !== 'stopped'),
      ['started', 'killed', 'started', 'killed', 'started', 'killed', 'quarantined', 'started', 'released', 'started'],
    );
    await runtime.close();
  });
});
