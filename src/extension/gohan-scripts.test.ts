import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { createTempFolder } from '../../test/support/temp.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createExtensions } from './extensions.ts';
import { createHostCalls } from './host/host-calls.ts';
import { createExtensionMemory } from './host/memory.ts';
import type { EventCaller, EventOutcome, ExtensionLimits, Extensions, Fields } from './types.ts';

const LIMITS: ExtensionLimits = {
  timeoutMs: 60_000,
  timeouts: [],
  exclusiveThreads: 1,
  sharedThreads: 1,
  maxQueue: 10,
  heapLimitBytes: 128 * 1024 * 1024,
  rssLimitBytes: 1024 * 1024 * 1024,
  syncTimeoutMs: 60_000,
  quarantineKills: 3,
  quarantineWindowMs: 60_000,
};

const temp = createTempFolder();
temp.write('files/a.txt', 'text of a');
temp.write('npm/node_modules/adder/index.js', 'exports.add = function (a, b) { return a + b }');
const host = createHostCalls({
  http: { maxBodyBytes: 1000, timeoutMs: 1000 },
  files: { root: `${temp.path}/files`, isWritable: false, maxBytes: 1000 },
  exec: { isAllowed: false, timeoutMs: 1000, maxOutputBytes: 1000, env: {} },
  memory: createExtensionMemory({ maxGlobalBytes: 10_000, maxCacheBytes: 10_000 }),
  config: { database: { type: 'sqlite3' } },
});
const loaded: Extensions[] = [];
after(async () => {
  for (const extensions of loaded) await extensions.close();
  host.close();
  temp.remove();
});

/** What resources answer. */
const rows = new Map<string, Fields>([['1', { id: '1', name: 'first' }]]);
async function answer(name: string, args: readonly unknown[], caller: EventCaller): Promise<unknown> {
  switch (name) {
    case 'db.fetch': {
      const found = rows.get(String(args[2]));
      if (found === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'There is no such resource');
      return found;
    }
    case 'db.list':
      return [...rows.values()];
    case 'model.delete':
      throw Object.assign(new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found'), { problem: 3 });
    default: {
      const known = host.call(name, args, caller);
      if (known === undefined) throw new SekishoError('EXTENSION_CALL_FAILED', `no ${name}`);
      return await known;
    }
  }
}

async function load(code: string): Promise<Extensions> {
  const extensions = await createExtensions({
    environments: [
      {
        name: 'network',
        url: '/networks',
        extensions: [{ id: 'x', style: 'gohan', code, file: `${temp.path}/files/x.js`, place: 'a.yaml:1:1' }],
      },
    ],
    limits: LIMITS,
    npmPath: `${temp.path}/npm`,
    env: { SHOWN: 'yes' },
    call: (name, args) => answer(name, args, { environment: 'network', event: '', depth: 0, signal: new AbortController().signal }),
  });
  loaded.push(extensions);
  return extensions;
}

let requests = 0;

/** Runs one event of a request of its own. */
async function run(extensions: Extensions, event: string, fields: Fields = {}): Promise<EventOutcome> {
  const request = extensions.begin({ id: `r${(requests += 1)}`, environment: 'network', call: answer });
  try {
    return await request.run('network', event, { event_type: event, ...fields });
  } finally {
    request.end();
  }
}

const handler = (body: string): Promise<Extensions> => load(`gohan_register_handler('run', function (context) { ${body} })`);
const value = async (expression: string): Promise<unknown> =>
  (await run(await handler(`context.response = ${expression}`), 'run')).response;

describe('built-ins in a thread', () => {
  test('what needs no resource', async () => {
    assert.deepEqual(
      await value(`{
        config: gohan_config('database/type', 0), env: gohan_get_env('SHOWN', ''), template: gohan_template('{{.a}}', {a: 1}), file: gohan_file_read('a.txt'),
        beside: gohan_file_read_cd('./a.txt'), hash: require('crypto').createHash('md5').update('').digest('hex').length, sum: require('adder').add(1, 2),
        underscore: _.pluck([{a: 1}], 'a'), slept: gohan_sleep(5), level: LOG_LEVEL.DEBUG, dir: gohan_file_dir('.'), list: gohan_file_list('.'), isList: _.map([1], String) instanceof Array }`),
      {
        config: 'sqlite3',
        env: 'yes',
        template: '1',
        file: 'text of a',
        beside: 'text of a',
        hash: 32,
        sum: 3,
        underscore: [1],
        slept: null,
        level: 5,
        dir: true,
        list: 'a.txt\n',
        isList: true,
      },
    );
  });

  test('the database', async () => {
    assert.deepEqual(
      await value(`(function () {
        var seen = [gohan_db_fetch(context.transaction || null, 'network', '1', '').name, gohan_db_list(null, 'network', {}).length];
        try { gohan_db_fetch(null, 'network', '2', '') } catch (e) { seen.push(e.message, e instanceof Error) }
        try { gohan_db_fetch(null, 'network') } catch (e) { seen.push(e.message) }
        return {seen: seen} })()`),
      {
        seen: [
          'first',
          1,
          'Error during gohan_db_fetch: resource not found',
          true,
          'Expected 4 arguments in gohan_db_fetch call, 2 arguments given',
        ],
      },
    );
  });

  test('http', async () => {
    const server = createServer((request, response) => response.setHeader('X-Method', request.method ?? '').end('pong'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    try {
      const { ok, raw } = (await value(
        `{ok: gohan_http('POST', '${url}', {}, {a: 1}), raw: gohan_raw_http('GET', '${url}', {}, '')}`,
      )) as Record<string, { status: string; status_code: unknown; body: string; headers: Record<string, string[]> }>;
      assert.deepEqual([ok?.status, ok?.status_code, ok?.body, ok?.headers['X-Method']], ['success', '200', 'pong', ['POST']]);
      assert.deepEqual([raw?.status, raw?.status_code, raw?.headers['X-Method']], ['200 OK', 200, ['GET']]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('log lines', async () => {
    const lines: Event[] = [];
    const stop = subscribe((event) => lines.push(event));
    await run(await handler("gohan_log_warning('careful')"), 'run');
    stop();
    const found = lines.find((event) => event.type === 'extension.console' && event.text === 'careful');
    assert.deepEqual(found, {
      type: 'extension.console',
      level: 'warn',
      environment: 'network',
      module: 'gohan.extension.network.run',
      requestId: `r${requests}`,
      text: 'careful',
    });
  });

  test('globals are forgotten with the request, shared objects are not', async () => {
    const extensions = await load(`
      var count = 0;
      gohan_register_handler('run', function (context) {
        count += 1; _ = null; LOG_MODULE = 'x';
        var g = gohan_global('counter'); g.n = (g.n || 0) + 1;
        context.response = {count: count, n: g.n}; });
      gohan_register_handler('after', function (context) { context.response = {count: count, size: _.size([1]), module: LOG_MODULE} })`);
    await run(extensions, 'run');
    assert.deepEqual((await run(extensions, 'run')).response, { count: 1, n: 2 });
    assert.deepEqual((await run(extensions, 'after')).response, { count: 0, size: 1, module: 'gohan.extension.network.after' });
  });

  test('who asks', async () => {
    const extensions = await handler(
      'context.response = {tenant: context.auth.TenantID(), admin: context.auth.IsAdmin(), roles: context.auth.Roles(), role: context.role.Name}',
    );
    const auth = { tenant_id: 't', is_admin: true, roles: ['admin'] };
    const { response } = await run(extensions, 'run', { auth, role: { Name: 'admin' } });
    assert.deepEqual(response, { tenant: 't', admin: true, roles: [{ Name: 'admin' }], role: 'admin' });
  });

  test('a waiting call ends with its event', async () => {
    const extensions = await handler('gohan_sleep(60000)');
    const controller = new AbortController();
    const request = extensions.begin({ id: 'r', environment: 'network', call: answer, signal: controller.signal });
    const running = request.run('network', 'run', {});
    controller.abort();
    await assert.rejects(running, { code: 'EXTENSION_ABORTED' });
    request.end();
  });
});

describe('exceptions in a thread', () => {
  const CASES: readonly (readonly [code: string, failure: Fields])[] = [
    ["throw new CustomException('no', 422)", { exception: 'CustomException', status: 422, message: 'no' }],
    ["throw new CustomException('text', '404')", { exception: 'CustomException', status: 404, message: 'text' }],
    ["throw new NotFoundException('gone')", { exception: 'NotFoundException', status: 404, message: 'gone' }],
    ["throw new TimeOutException('late')", { status: 503, message: 'late' }],
    ["throw new ResourceException('taken', 5)", { status: 409, message: 'taken' }],
    ["throw new ExtensionException('outer', new NotFoundException('in').toDict())", { status: 404, message: 'outer' }],
    ['throw new CustomException({queued: true}, 202)', { status: 202, body: { queued: true } }],
    ["context.response_code = 390; context.response = 'old style'", { exception: 'CustomException', status: 390, message: 'old style' }],
    [
      "function V(m) { CustomException.call(this, m, 499); this.name = 'VException' } V.prototype = Object.create(CustomException.prototype); throw new V('v')",
      { exception: 'VException', status: 499, message: 'v' },
    ],
    ["gohan_model_delete(context, 'network', '1')", { exception: 'ResourceException', status: 404, message: 'Resource not found' }],
  ];
  for (const [code, failure] of CASES) {
    test(code, async () => {
      const extensions = await handler(code);
      await assert.rejects(run(extensions, 'run', { transaction: true }), failure);
    });
  }

  test('any other error is a failure', async () => {
    for (const code of [
      "throw new Error('raw')",
      "throw new CustomException('no', 'abc')",
      "throw new CustomException('no', 99)",
      "gohan_db_fetch(null, 'network', '2', '')",
      "gohan_exec('ls', [])",
    ]) {
      const extensions = await handler(code);
      await assert.rejects(run(extensions, 'run'), (error: SekishoError) => error.status === 500, code);
    }
  });

  test('the next handlers run, the last exception counts', async () => {
    const extensions = await load(`
      gohan_register_handler('run', function () { throw new CustomException('first', 400) });
      gohan_register_handler('run', function (context) { context.seen = true });
      gohan_register_handler('run', function (context) { throw new CustomException('second ' + context.seen, 409) });`);
    await assert.rejects(run(extensions, 'run'), { status: 409, message: 'second true' });
  });
});
