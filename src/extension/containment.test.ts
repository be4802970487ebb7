import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { environment, extensionRequest, loadExtensions, moduleCode, runEvent, script } from '../../test/support/extension-runtime.ts';
import { PATIENCE_MS, until } from '../../test/support/until.ts';
import type { Extensions } from './types.ts';

/** Limits of all but time. */
const LIMITS = { heapLimitBytes: 48 * 2 ** 20, rssLimitBytes: 64 * 2 ** 20, exclusiveThreads: 2 };
/** Limits that make attacks short; so short that a busy machine may exceed them with code that is innocent. */
const SHORT = { ...LIMITS, timeoutMs: 400, syncTimeoutMs: 300 };

const STOPPED = 'EXTENSION_CRASHED|EXTENSION_TIMEOUT';

/** Bodies of handlers that should end their thread or their event, and the code that the caller gets; in which styles. */
const ATTACKS: readonly (readonly [name: string, body: string, code: string, styles?: 'script' | 'module'])[] = [
  ['endless loop', 'for (;;) {}', 'EXTENSION_TIMEOUT'],
  ['regex bomb', '/^(a+)+$/.test("a".repeat(60) + "b")', 'EXTENSION_TIMEOUT'],
  ['heap bomb', 'const a = []; for (;;) a.push(new Array(1000).fill(Math.random()))', STOPPED],
  ['ArrayBuffer bomb', 'const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))', STOPPED],
  ['loop of calls', 'for (;;) { try { gohan_config("a", 1) } catch (error) {} }', 'EXTENSION_TIMEOUT', 'script'],
  ['loop of calls that are awaited', 'for (;;) await context.config("a")', 'EXTENSION_TIMEOUT', 'module'],
  ['promise that never settles', 'await new Promise(() => {})', 'EXTENSION_TIMEOUT', 'module'],
  ['call that is never answered', 'await context.tx.list("never")', 'EXTENSION_TIMEOUT', 'module'],
  ['call that is never answered', 'gohan_db_list(null, "never", {})', 'EXTENSION_TIMEOUT', 'script'],
  ['endless loop behind an await', 'await null; for (;;) {}', 'EXTENSION_TIMEOUT', 'module'],
  ['endless loop behind a call', 'await context.config("a"); for (;;) {}', 'EXTENSION_TIMEOUT', 'module'],
  ['endless loop in a timer', 'await new Promise(() => setTimeout(() => { for (;;) {} }, 1))', 'EXTENSION_TIMEOUT', 'module'],
  ['promise chain without end', 'const again = () => Promise.resolve().then(again); await again()', STOPPED, 'module'],
  ['sparse array filled', 'new Array(Math.pow(2, 30)).fill(0)', 'EXTENSION_FAILED'],
  ['deep recursion', 'const f = (n) => f(n + 1) + 1; f(0)', 'EXTENSION_FAILED'],
  ['throw of a hostile proxy', 'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })', 'EXTENSION_FAILED'],
  ['hostile toJSON', 'context.response = { toJSON() { for (;;) {} } }; return', 'EXTENSION_TIMEOUT'],
  ['process.exit', 'process.exit(1)', 'EXTENSION_FAILED'],
  ['import of fs', 'await import(["f", "s"].join(""))', 'EXTENSION_FAILED', 'module'],
  ['WebAssembly', 'new WebAssembly.Memory({ initial: 1 })', 'EXTENSION_FAILED'],
  ['process of the host realm', 'context.constructor.constructor("return process.binding(\'fs\')")()', 'EXTENSION_FAILED'],
];

const opened: Extensions[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

/** Extensions that are closed at the end. */
async function open(...args: Parameters<typeof loadExtensions>): Promise<Extensions> {
  const extensions = await loadExtensions(...args);
  opened.push(extensions);
  return extensions;
}

const answer = (name: string): Promise<unknown> => (name === 'db.list' ? new Promise(() => {}) : Promise.resolve(null));

const styled = (style: 'script' | 'module', body: string) =>
  style === 'script'
    ? script(`gohan_register_handler('pre_create', function (context) { if (context.is_attack) { ${body} } context.response = 'fine'; });`)
    : moduleCode(`export const preCreate = async (context) => { if (context.isAttack) { ${body} } context.response = 'fine'; };`);

for (const style of ['script', 'module'] as const) {
  describe(`attacks of a ${style}`, { concurrency: false }, () => {
    const attacks = ATTACKS.filter(([, , , only]) => only === undefined || only === style);
    let patient: Extensions;
    let short: Extensions;
    let neighbours: Extensions;
    before(async () => {
      const environments = attacks.map(([, body], at) => environment(`e${at}`, styled(style, body)));
      patient = await open(environments, LIMITS);
      short = await until('they are loaded', () => open(environments, SHORT).catch(() => undefined));
      neighbours = await open([environment('script', styled('script', '')), environment('module', styled('module', ''))]);
    });

    for (const [at, [name, , code]] of attacks.entries())
      test(`${name}: ${code}, others answer, and its next request too`, async () => {
        const extensions = code === 'EXTENSION_FAILED' ? patient : short;
        const started = performance.now();
        const attack = runEvent(extensions, `e${at}`, 'pre_create', { is_attack: true }, { call: answer }).then(
          () => 'it was not stopped',
          (error: { code?: string }) => error.code ?? String(error),
        );
        let slowest = 0;
        let stopped: string | undefined;
        do {
          const asked = performance.now();
          for (const neighbour of ['script', 'module'])
            assert.equal((await runEvent(neighbours, neighbour, 'pre_create')).response, 'fine');
          slowest = Math.max(slowest, performance.now() - asked);
          stopped = await Promise.race([attack, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 10))]);
        } while (stopped === undefined);
        assert.match(stopped, new RegExp(`^(${code})$`));
        assert.ok(performance.now() - started < PATIENCE_MS, 'it took too long to stop it');
        assert.ok(slowest < PATIENCE_MS / 3, `a neighbour took ${slowest} ms`);
        // A thread that is about to end may still take a request.
        await until(
          'its next request',
          async () => (await runEvent(extensions, `e${at}`, 'pre_create').catch(() => ({ response: '' }))).response === 'fine',
        );
      });
  });
}

describe('quarantine', { concurrency: false }, () => {
  for (const style of ['script', 'module'] as const)
    for (const body of style === 'script' ? ['for (;;) {}'] : ['for (;;) {}', 'await context.config("a"); for (;;) {}'])
      test(`an environment whose ${style} ends its thread too often (${body}) is refused until it is released; others are not`, async () => {
        const extensions = await open([environment('bad', styled(style, body)), environment('good', styled(style, ''))], {
          ...LIMITS,
          timeoutMs: 3000,
          syncTimeoutMs: 1500,
          quarantineKills: 2,
        });
        for (let kill = 0; kill < 2; kill += 1) {
          // One that waits while the thread dies is not to blame.
          const good = extensions.begin(extensionRequest('good', { call: answer }));
          await assert.rejects(runEvent(extensions, 'bad', 'pre_create', { is_attack: true }, { call: answer }), {
            code: 'EXTENSION_TIMEOUT',
          });
          good.end();
          await until('the end of the thread', () => extensions.status().environments[0]?.kills === kill + 1);
        }
        await assert.rejects(runEvent(extensions, 'bad', 'pre_create'), { code: 'EXTENSION_QUARANTINED', message: /2 times.*blocked/ });
        assert.equal((await runEvent(extensions, 'good', 'pre_create')).response, 'fine');
        const [bad, good] = extensions.status().environments;
        assert.equal(bad?.state, 'quarantined');
        assert.deepEqual([good?.state, good?.kills], ['ready', 0]);
        assert.equal(extensions.release('bad'), true);
        assert.equal(extensions.release('bad'), false);
        assert.equal((await runEvent(extensions, 'bad', 'pre_create')).response, 'fine');
      });
});

test('many modules on one thread: the one that loops behind an await is blamed, those that wait are not', async () => {
  const extensions = await open(
    [
      environment('bad', styled('module', 'await context.config("a"); for (;;) {}')),
      environment('good', styled('module', 'await context.tx.list("never")')),
    ],
    { ...LIMITS, syncTimeoutMs: 1500, quarantineKills: 1 },
  );
  const waiting = runEvent(extensions, 'good', 'pre_create', { is_attack: true }, { call: answer });
  const refused = assert.rejects(waiting, { code: 'EXTENSION_CRASHED' });
  await assert.rejects(runEvent(extensions, 'bad', 'pre_create', { is_attack: true }, { call: answer }), { code: 'EXTENSION_TIMEOUT' });
  await refused;
  assert.deepEqual(
    extensions.status().environments.map(({ state }) => state),
    ['quarantined', 'ready'],
  );
});

for (const style of ['script', 'module'] as const)
  test(`a client that leaves ends the event of a ${style}, its calls, and what these run`, async () => {
    const body = style === 'script' ? 'gohan_db_list(null, "never", {})' : 'await context.tx.list("never")';
    const extensions = await open([environment('a', styled(style, body))], { exclusiveThreads: 1 });
    const leaving = new AbortController();
    let signal: AbortSignal | undefined;
    const event = runEvent(
      extensions,
      'a',
      'pre_create',
      { is_attack: true },
      {
        signal: leaving.signal,
        call: (_name, _args, caller) => {
          signal = caller.signal;
          return new Promise(() => {});
        },
      },
    );
    await until('its call', () => signal !== undefined);
    leaving.abort();
    await assert.rejects(event, { code: 'EXTENSION_ABORTED' });
    assert.equal(signal?.aborted, true);
    assert.equal((await runEvent(extensions, 'a', 'pre_create')).response, 'fine');
    assert.equal(extensions.status().environments[0]?.kills, 0);
    await assert.rejects(runEvent(extensions, 'a', 'pre_create', {}, { signal: AbortSignal.abort() }), { code: 'EXTENSION_ABORTED' });
  });

test('a time limit of its own for an event of a URL; nested events count into it', async () => {
  const extensions = await open([environment('slow', styled('module', 'await new Promise((r) => setTimeout(r, 30_000))'))], {
    timeoutMs: 10_000,
    timeouts: [
      { path: /other/, event: /.*/, timeoutMs: 10_000 },
      { path: /^\/v1.0\/slows$/, event: /^pre_create$/, timeoutMs: 60 },
    ],
  });
  await assert.rejects(runEvent(extensions, 'slow', 'pre_create', { is_attack: true }), { code: 'EXTENSION_TIMEOUT', message: /60 ms/ });
});

test('closed extensions begin nothing any more; requests under way finish, unless that takes longer than an event may', async () => {
  const extensions = await loadExtensions([environment('a', styled('module', 'await context.tx.list("never")'))], { timeoutMs: 3000 });
  const finishing = extensions.begin(extensionRequest('a'));
  await finishing.run('a', 'pre_create', {});
  const running = runEvent(extensions, 'a', 'pre_create', { is_attack: true }, { call: answer });
  const refused = assert.rejects(running, { code: /EXTENSION_CRASHED|EXTENSION_TIMEOUT/ });
  const closed = extensions.close();
  assert.equal((await finishing.run('a', 'pre_create', {})).response, 'fine');
  await closed;
  finishing.end();
  await refused;
  await assert.rejects(runEvent(extensions, 'a', 'pre_create'), { code: 'EXTENSION_ABORTED' });
});
