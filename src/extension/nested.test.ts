import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { environment, extensionRequest, loadExtensions, moduleCode, runEvent, script } from '../../test/support/extension-runtime.ts';
import { SekishoError } from '../lib/errors.ts';
import type { EnvironmentSource, ExtensionCall, ExtensionCode, ExtensionLimits, ExtensionRequest, Extensions, Fields } from './types.ts';

const opened: Extensions[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

async function load(environments: readonly EnvironmentSource[], limits: Partial<ExtensionLimits> = {}): Promise<Extensions> {
  const loaded = await loadExtensions(environments, limits);
  opened.push(loaded);
  return loaded;
}

/** A request whose model calls run the events of the other schema, as the resource layer does. */
function modelRequest(extensions: Extensions, name: string, changes: Partial<ExtensionRequest> = {}): ExtensionCall {
  const call: ExtensionCall = extensions.begin(
    extensionRequest(name, {
      async call(what, args) {
        if (what !== 'model.create') throw new SekishoError('RESOURCE_NOT_FOUND', `${what} finds nothing`);
        const [schemaId, resource] = args as [string, Fields];
        await new Promise((resolve) => setImmediate(resolve));
        const before = await call.run(schemaId, 'pre_create_in_transaction', { schema_id: schemaId, resource });
        const left = await call.run(schemaId, 'post_create_in_transaction', { resource: before.resource });
        return left.resource;
      },
      ...changes,
    }),
  );
  return call;
}

const SCRIPT_CREATES = (event: string, schema: string): string =>
  `gohan_register_handler('${event}', function (context) {
     context.made = gohan_model_create(context, '${schema}', { name: context.resource.name, by: 'script' });
     context.resource.made = context.made; context.resource.event = context.schema_id;
   });`;
const MODULE_CREATES = (handler: string, schema: string): string =>
  `export const ${handler} = async (context: any) => {
     context.resource.made = await context.model.create('${schema}', { name: context.resource.name, by: 'module' });
     context.resource.event = context.schemaId;
   };`;
const MODULE_QUERIES = `export const preCreate = (context: any) => context.tx.query('selec')`;
const SCRIPT_LEAF = `gohan_register_handler('pre_create_in_transaction', function (context) {
    context.resource.pre = context.tenant_id; context.between = 'kept'; });
  gohan_register_handler('post_create_in_transaction', function (context) { context.resource.post = context.between; });`;
const MODULE_LEAF = `export const preCreateInTransaction = async (context: any) => {
    await null; context.resource.pre = context.tenantId; context.between = 'kept'; };
  export const postCreateInTransaction = (context: any) => { context.resource.post = context.between; };`;

const LEAF = { name: 'n', pre: 't1', post: 'kept' };
const START = { schema_id: 'outer', tenant_id: 't1', transaction: true, resource: { name: 'n' } };

for (const outer of ['script', 'module'] as const) {
  for (const leaf of ['script', 'module'] as const) {
    test(`a ${outer} that creates a resource waits for the handlers of a ${leaf}, which see a context of their own`, async () => {
      const extensions = await load([
        environment(
          'outer',
          outer === 'script'
            ? script(SCRIPT_CREATES('pre_create_in_transaction', 'leaf'))
            : moduleCode(MODULE_CREATES('preCreateInTransaction', 'leaf')),
        ),
        environment('leaf', leaf === 'script' ? script(SCRIPT_LEAF) : moduleCode(MODULE_LEAF)),
      ]);
      const call = modelRequest(extensions, 'outer');
      await call.reserve();
      const { resource } = await call.run('outer', 'pre_create_in_transaction', START);
      assert.deepEqual(resource, { name: 'n', event: 'outer', made: { ...LEAF, by: outer } });
      call.end();
    });
  }
}

test('events nest in one another', async () => {
  const extensions = await load([
    environment('a', script(SCRIPT_CREATES('pre_create_in_transaction', 'b'))),
    environment('b', moduleCode(MODULE_CREATES('preCreateInTransaction', 'c'))),
    environment('c', script(SCRIPT_CREATES('post_create_in_transaction', 'd'))),
    environment('d', script(SCRIPT_LEAF)),
  ]);
  const call = modelRequest(extensions, 'a');
  const { resource } = await call.run('a', 'pre_create_in_transaction', { ...START, schema_id: 'a' });
  const made = (by: string, more: Fields): Fields => ({ name: 'n', by, ...more });
  assert.deepEqual(resource, {
    name: 'n',
    event: 'a',
    made: made('script', { event: 'b', made: made('module', { event: 'c', made: made('script', { pre: 't1', post: 'kept' }) }) }),
  });
  call.end();
});

test('what a nested handler throws reaches the one around it, which may catch it; uncaught it is the answer of both', async () => {
  const throwing = 'throw new CustomException("not that name", 409)';
  const extensions = await load([
    environment('outer', script(SCRIPT_CREATES('pre_create', 'leaf'))),
    environment('plain', moduleCode(MODULE_CREATES('preCreate', 'leaf'))),
    environment(
      'catching',
      moduleCode(`export const preCreate = async (context: any) => {
        try { await context.model.create('leaf', {}) } catch (error) { context.response = { status: error.status, text: error.message } } }`),
    ),
    environment('leaf', script(`gohan_register_handler('pre_create_in_transaction', function () { ${throwing} });`)),
  ]);
  for (const name of ['outer', 'plain']) {
    const call = modelRequest(extensions, name);
    await assert.rejects(call.run(name, 'pre_create', { ...START }), { name: 'ExtensionFailure', status: 409 }, name);
    call.end();
  }
  const call = modelRequest(extensions, 'catching');
  assert.deepEqual((await call.run('catching', 'pre_create', {})).response, { status: 409, text: 'not that name' });
  call.end();
});

test('an uncaught failed call is the answer of a module, and the very error; of a script it is the cause', async () => {
  const failure = Object.assign(new SekishoError('RESOURCE_CONFLICT', 'taken'), { mark: 1 });
  const extensions = await load([
    environment('module', moduleCode('export const preCreate = async (context: any) => { await context.tx.create("x", {}) }')),
    environment('script', script('gohan_register_handler("pre_create", function () { gohan_db_create(null, "x", {}); });')),
  ]);
  const changes = { call: () => Promise.reject(failure) };
  await assert.rejects(runEvent(extensions, 'module', 'pre_create', {}, changes), (error) => error === failure);
  await assert.rejects(
    runEvent(extensions, 'script', 'pre_create', {}, changes),
    (error: Error) => (error as SekishoError).code === 'EXTENSION_FAILED' && error.cause === failure,
  );
});

test('a script may trigger and handle events by itself', async () => {
  const extensions = await load([
    environment(
      'outer',
      script(`gohan_register_handler('pre_create', function (context) { context.trace = 'o'; gohan_handle_event('again', context); gohan_trigger_event('all', context); context.response = context.trace; });
        gohan_register_handler('again', function (context) { context.trace += 'a'; });
        gohan_register_handler('all', function (context) { context.trace += '1'; });`),
    ),
    environment('other', script(`gohan_register_handler('all', function (context) { context.trace += '2'; });`)),
  ]);
  assert.equal((await runEvent(extensions, 'outer', 'pre_create', { schema: { ID: 'outer' } })).response, 'oa12');
});

test('the context and the log tell the event that a script runs by itself, and afterwards the one before', async () => {
  const note = 'context.seen = (context.seen || []).concat([[context.event_type, LOG_MODULE]]);';
  const extensions = await load([
    environment(
      'outer',
      script(`gohan_register_handler('pre_create', function (context) {
          ${note} gohan_handle_event('again', context); gohan_trigger_event('all', context); ${note} context.response = context.seen;
        });
        gohan_register_handler('again', function (context) { ${note} });`),
    ),
    environment('other', script(`gohan_register_handler('all', function (context) { ${note} });`)),
  ]);
  const { response } = await runEvent(extensions, 'outer', 'pre_create', { schema: { ID: 'outer' }, event_type: 'pre_create' });
  assert.deepEqual(response, [
    ['pre_create', 'gohan.extension.outer.pre_create'],
    ['again', 'gohan.extension.outer.again'],
    ['all', 'gohan.extension.other.all'],
    ['pre_create', 'gohan.extension.outer.pre_create'],
  ]);
});

test('what the database says of a statement is told to the script that made it, not to the client', async () => {
  const failure = new SekishoError('DATABASE_FAILED', 'The database refused a statement.', {
    cause: new Error('near "selec": syntax error'),
  });
  const query = `gohan_register_handler('pre_create', function (context) {
    try { gohan_db_query(null, 'outer', 'selec', []); } catch (error) { context.response = error.message; }
  });`;
  const extensions = await load([environment('outer', script(query)), environment('module', moduleCode(MODULE_QUERIES))]);
  const changes = { call: () => Promise.reject(failure) };
  assert.match(String((await runEvent(extensions, 'outer', 'pre_create', {}, changes)).response), /near "selec": syntax error/);
  await assert.rejects(runEvent(extensions, 'module', 'pre_create', {}, changes), (error) => error === failure);
});

for (const kind of ['script', 'module'] as const) {
  test(`100 requests with nested events, whose ${kind} holds one of 5 connections, pass through 4 threads`, async () => {
    const extensions = await load(
      [
        environment(
          'outer',
          kind === 'script'
            ? script(SCRIPT_CREATES('pre_create_in_transaction', 'middle'))
            : moduleCode(MODULE_CREATES('preCreateInTransaction', 'middle')),
        ),
        environment('middle', moduleCode(MODULE_CREATES('preCreateInTransaction', 'leaf'))),
        environment('leaf', script(SCRIPT_LEAF)),
      ],
      { exclusiveThreads: 4, sharedThreads: 1, timeoutMs: 60_000 },
    );
    let free = 5;
    const queue: (() => void)[] = [];
    const connect = async (): Promise<void> => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void queue.push(resolve));
    };
    const disconnect = (): void => {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    };
    const request = async (number: number): Promise<unknown> => {
      const call = modelRequest(extensions, 'outer', { id: `r${number}` });
      await call.reserve();
      await connect();
      try {
        const start = { ...START, tenant_id: `t${number}`, resource: { name: `n${number}` } };
        return (await call.run('outer', 'pre_create_in_transaction', start)).resource;
      } finally {
        disconnect();
        call.end();
      }
    };
    const all = await Promise.all(Array.from({ length: 100 }, (_, number) => request(number)));
    for (const [number, resource] of all.entries()) assert.equal((resource as { made: { made: Fields } }).made.made['pre'], `t${number}`);
    assert.equal(extensions.status().waiting, 0);
    assert.ok(extensions.status().threads.length <= 2 * 4 + 1);
  });
}

test('a request without a thread waits at most as long as an event may take; too many waiting ones are refused', async () => {
  const extensions = await load([environment('a', script(`gohan_register_handler('pre_create', function () {});`))], {
    exclusiveThreads: 1,
    maxQueue: 1,
    timeoutMs: 1000,
  });
  const holder = extensions.begin(extensionRequest('a'));
  await holder.reserve();
  const second = extensions.begin(extensionRequest('a'));
  const waiting = second.reserve();
  assert.equal(extensions.status().waiting, 1);
  await assert.rejects(extensions.begin(extensionRequest('a')).reserve(), { code: 'EXTENSION_BUSY', message: /max_queue/ });
  await assert.rejects(waiting, { code: 'EXTENSION_BUSY', message: /threads/ });
  const third = extensions.begin(extensionRequest('a'));
  const soon = third.reserve();
  holder.end();
  await soon;
  third.end();
});

test('a transaction that is tried again finds the context as it was marked', async () => {
  const extensions = await load([
    environment(
      'network',
      script(`gohan_register_handler('pre_create', function (context) { context.list = [1]; context.deep = { n: 1 }; });
        gohan_register_handler('pre_create_in_transaction', function (context) {
          context.list = context.list.concat(2); context.deep.n++; context.extra = 1; context.resource.tries = (context.resource.tries || 0) + 1;
          context.response = { list: context.list, n: context.deep.n, tries: context.resource.tries }; });`),
    ),
    environment(
      'later',
      moduleCode(`export const preCreateInTransaction = (context: any) => {
        context.count = (context.count ?? 0) + 1; context.response = { count: context.count, tenant: context.tenantId, resource: context.resource } }`),
    ),
  ]);
  const call = extensions.begin(extensionRequest('network'));
  await call.run('network', 'pre_create', { resource: { id: 1 } });
  call.mark();
  for (let round = 0; round < 3; round += 1) {
    if (round > 0) call.restore();
    const { response } = await call.run('network', 'pre_create_in_transaction', { transaction: true });
    assert.deepEqual(response, { list: [1, 2], n: 2, tries: 1 }, `try ${round}`);
  }
  call.end();
  const late = extensions.begin(extensionRequest('later'));
  await late.run('later', 'pre_create', { tenant_id: 't', resource: { id: 2 } });
  late.mark();
  for (let round = 0; round < 3; round += 1) {
    if (round > 0) late.restore();
    const { response } = await late.run('later', 'pre_create_in_transaction', { transaction: true });
    assert.deepEqual(response, { count: 1, tenant: 't', resource: { id: 2 } }, `try ${round}`);
  }
  late.end();
});

describe('scripts and modules of one environment', () => {
  const both = (creates: 'script' | 'module' | 'nothing', schema: string): readonly ExtensionCode[] => [
    script(`gohan_register_handler('pre_create_in_transaction', function (context) {
      context.resource.trace = 's';
      ${creates === 'script' ? `context.resource.made = gohan_model_create(context, '${schema}', {});` : ''}
    });`),
    moduleCode(`export const preCreateInTransaction = async (context: any) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      context.resource.trace += 'm';
      ${creates === 'module' ? `context.resource.made = await context.model.create('${schema}', {});` : ''}
    };`),
  ];

  for (const creates of ['script', 'module'] as const) {
    test(`nested in scripts that wait, they run in a thread that does not (a ${creates} goes on)`, async () => {
      const extensions = await load([
        environment('outer', script(SCRIPT_CREATES('pre_create', 'middle'))),
        environment('middle', ...both(creates, 'inner')),
        environment('inner', ...both(creates, 'leaf')),
        environment('leaf', ...both('nothing', '')),
      ]);
      const call = modelRequest(extensions, 'outer');
      const { resource } = await call.run('outer', 'pre_create', { schema_id: 'outer', resource: {} });
      assert.deepEqual(resource, { made: { by: 'script', trace: 'sm', made: { trace: 'sm', made: { trace: 'sm' } } }, event: 'outer' });
      call.end();
      assert.deepEqual(new Set(extensions.status().threads.map(({ state }) => state)), new Set(['idle']));
    });
  }
});
