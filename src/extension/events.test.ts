import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { environment, extensionRequest, loadExtensions, moduleCode, runEvent, script } from '../../test/support/extension-runtime.ts';
import { type Event, subscribe } from '../lib/event.ts';
import type { ExtensionCode, Extensions, Fields } from './types.ts';

const opened: Extensions[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

async function load(...extensions: readonly ExtensionCode[]): Promise<Extensions> {
  const loaded = await loadExtensions([environment('network', ...extensions)]);
  opened.push(loaded);
  return loaded;
}

const on = (event: string, body: string): string => `gohan_register_handler('${event}', function (context) { ${body} });`;

describe('handlers', () => {
  test('run in the order in which they are registered, extensions in load order, scripts and modules alike', async () => {
    const add = (letter: string): string => `context.resource.trace += '${letter}';`;
    const extensions = await load(
      script(on('pre_create', add('a')) + on('pre_create', add('b')), 'first'),
      moduleCode(`export const preCreate = async (context: any) => { await null; ${add('c')} }`, 'second'),
      script(on('pre_create', add('d')), 'third'),
      moduleCode(`export const pre_create = (context: any) => { ${add('e')} }`, 'fourth'),
    );
    assert.deepEqual(await runEvent(extensions, 'network', 'pre_create', { resource: { trace: '' } }), {
      resource: { trace: 'abcde' },
      hasNewResponse: false,
    });
  });

  test('of other events and environments do not run; what is asked of them resolves with what is set', async () => {
    const extensions = await load(script(on('pre_create', 'context.response = 1')));
    assert.equal(extensions.handles('network', 'pre_create'), true);
    assert.equal(extensions.handles('network', 'post_create'), false);
    assert.equal(extensions.handles('subnet', 'pre_create'), false);
    assert.deepEqual(extensions.events('network'), ['pre_create']);
    assert.deepEqual(await runEvent(extensions, 'network', 'post_create', { resource: { a: 1 } }), {
      resource: { a: 1 },
      hasNewResponse: false,
    });
    assert.deepEqual(await runEvent(extensions, 'subnet', 'pre_create'), { hasNewResponse: false });
  });

  test('an export is known by its own name and in snake case', async () => {
    const extensions = await load(
      moduleCode('export const powerOn = (c: any) => { c.response = { on: true } }; export const postMigration = () => {}'),
    );
    for (const event of ['powerOn', 'power_on'])
      assert.deepEqual((await runEvent(extensions, 'network', event)).response, { on: true }, event);
    assert.equal(extensions.handles('network', 'post-migration'), true);
  });

  test('see what earlier events of the request put into the context, in both styles, and nothing of other requests', async () => {
    const extensions = await load(
      script(on('pre_create', 'context.mine = context.mine || { n: 1 }; context.resource = { id: "x" };')),
      moduleCode(
        'export const postCreate = (context: any) => { context.mine.n += 1; context.response = { ...context.mine, of: context.tenantId, id: context.resource.id } }',
      ),
    );
    for (let round = 0; round < 2; round += 1) {
      const call = extensions.begin(extensionRequest('network'));
      await call.run('network', 'pre_create', { tenant_id: 't1', resource: {} });
      assert.deepEqual((await call.run('network', 'post_create', {})).response, { n: 2, of: 't1', id: 'x' });
      assert.deepEqual(
        await call
          .run('network', 'post_create', { resource: undefined, tenant_id: 't2', mine: { n: 8 }, response: undefined })
          .catch(String),
        'SekishoError: A handler of post_create failed.',
      );
      call.end();
    }
  });

  test('context keys may be replaced, removed, and set again to what they were', async () => {
    const extensions = await load(
      script(
        on('a', 'delete context.response;') +
          on('b', 'context.response = { n: 1 };') +
          on('c', 'context.resource = [1, null];') +
          on('d', 'context.response.n = 2'),
      ),
    );
    const run = (event: string, fields: Fields) => runEvent(extensions, 'network', event, fields);
    assert.deepEqual(await run('a', { response: { n: 1 } }), { hasNewResponse: false });
    assert.deepEqual(await run('b', { response: { n: 1 } }), { response: { n: 1 }, hasNewResponse: true });
    assert.deepEqual(await run('b', {}), { response: { n: 1 }, hasNewResponse: true });
    assert.deepEqual(await run('c', { response: { n: 1 } }), { resource: [1, null], response: { n: 1 }, hasNewResponse: false });
    assert.deepEqual(await run('d', { response: { n: 1 } }), { response: { n: 2 }, hasNewResponse: true });
  });

  test('globals that a script changes in a request are as before in the next one', async () => {
    const extensions = await load(
      script(`
        var count = 0, list = [1], nested = { a: { b: 1 } };
        function Counter() {}
        Counter.shared = 0;
        gohan_register_handler('pre_create', function (context) {
          count++; list.push(2); nested.a.b++; nested.c = 1; Counter.shared++; leaked = (typeof leaked === 'undefined' ? 0 : leaked) + 1;
          Array.prototype.evil = (list.evil || 0) + 1; gohan_uuid = null;
          context.response = { count: count, list: list, nested: nested, shared: Counter.shared, leaked: leaked, evil: list.evil };
        });`),
    );
    const first = { count: 1, list: [1, 2], nested: { a: { b: 2 }, c: 1 }, shared: 1, leaked: 1, evil: 1 };
    for (let round = 0; round < 3; round += 1)
      assert.deepEqual((await runEvent(extensions, 'network', 'pre_create')).response, first, `request ${round}`);
    const call = extensions.begin(extensionRequest('network'));
    await call.run('network', 'pre_create', {});
    assert.deepEqual((await call.run('network', 'pre_create', {})).response, {
      count: 2,
      list: [1, 2, 2],
      nested: { a: { b: 3 }, c: 1 },
      shared: 2,
      leaked: 2,
      evil: 2,
    });
    call.end();
  });
});

test('functions that a script changes in a request are as before in the next one, whether they had anything of their own or not', async () => {
  const extensions = await load(
    script(`
      function Plain() {} function Own() {} Own.prototype.mine = 1; function Sub() {} Sub.prototype = Object.create(Own.prototype);
      var all = [Plain, Own, Sub, function () { return 1; }];
      gohan_register_handler('pre_create', function (context) {
        context.response = all.map(function (one) {
          var seen = [one.n || 0, one.prototype.n || 0, new one().constructor === one, Object.keys(one.prototype).length];
          one.n = 1; one.prototype.n = 1; one.prototype.constructor = Object;
          return seen;
        });
        Plain.prototype = { n: 2 }; Own.prototype.mine = 2;
        context.response.push(new Own().mine);
      });`),
  );
  const first = (await runEvent(extensions, 'network', 'pre_create')).response;
  assert.deepEqual(first, [[0, 0, true, 0], [0, 0, true, 1], [0, 1, false, 0], [0, 0, true, 0], 2]);
  for (let round = 0; round < 2; round += 1) assert.deepEqual((await runEvent(extensions, 'network', 'pre_create')).response, first);
});

test('environments that do not fit into a thread together take turns', async () => {
  const COUNT = 40;
  const library = 'var big = (function () { var list = new Array(250000).fill(1.5); return function () { return list.length; }; })();';
  const handler = (at: number): string =>
    `gohan_register_handler('pre_create', function (context) { context.response = [${at}, big()]; });`;
  const environments = Array.from({ length: COUNT }, (_, at) => environment(`n${at}`, script(`${library}\n${handler(at)}`)));
  const extensions = await loadExtensions(environments, { heapLimitBytes: 40 * 2 ** 20, exclusiveThreads: 1 });
  opened.push(extensions);
  for (let round = 0; round < 2; round += 1)
    for (let at = 0; at < COUNT; at += 1) {
      const { response } = await runEvent(extensions, `n${at}`, 'pre_create');
      assert.deepEqual(response, [at, 250_000]);
    }
  assert.equal(
    extensions.status().environments.reduce((sum, { kills }) => sum + kills, 0),
    0,
  );
});

describe('what handlers throw', () => {
  const SUBCLASS = `
    function QuotaException(message, code) { CustomException.call(this, message, code); this.name = "QuotaException"; }
    QuotaException.prototype = Object.create(CustomException.prototype);`;
  const TABLE: readonly (readonly [string, string, { status: number; message: string; exception: string; body?: unknown }])[] = [
    ['CustomException', 'throw new CustomException("no", 418)', { exception: 'CustomException', status: 418, message: 'no' }],
    ['NotFoundException', 'throw new NotFoundException("gone")', { exception: 'NotFoundException', status: 404, message: 'gone' }],
    ['TimeOutException', 'throw new TimeOutException("late")', { exception: 'TimeOutException', status: 503, message: 'late' }],
    ['ResourceException', 'throw new ResourceException("taken", 5)', { exception: 'ResourceException', status: 409, message: 'taken' }],
    [
      'ExtensionException',
      'throw new ExtensionException("outer", new ResourceException("inner", 8))',
      { exception: 'ExtensionException', status: 403, message: 'outer' },
    ],
    [
      'a success',
      'throw new CustomException({ done: true }, 202)',
      { exception: 'CustomException', status: 202, message: '{"done":true}', body: { done: true } },
    ],
    [
      'response_code',
      'context.response = { a: 1 }; context.response_code = 201',
      { exception: 'CustomException', status: 201, message: '{"a":1}', body: { a: 1 } },
    ],
    [
      'response_code of an error',
      'context.response = "bad"; context.response_code = 422',
      { exception: 'CustomException', status: 422, message: 'bad' },
    ],
    ['a code as a text', 'throw new CustomException("no", "418")', { exception: 'CustomException', status: 418, message: 'no' }],
    ['BaseException', 'throw new BaseException()', { exception: 'BaseException', status: 400, message: '' }],
    [
      'a subclass with a code',
      `${SUBCLASS} throw new QuotaException("full", 499)`,
      { exception: 'QuotaException', status: 499, message: 'full' },
    ],
    [
      'a subclass without a code',
      `${SUBCLASS} throw new QuotaException("full")`,
      { exception: 'QuotaException', status: 400, message: 'full' },
    ],
    [
      'an ExtensionException of the fields of another',
      'throw new ExtensionException("outer", { name: "CustomException", message: "inner", code: 423 })',
      { exception: 'ExtensionException', status: 423, message: 'outer' },
    ],
  ];
  for (const [name, body, expected] of TABLE)
    test(`${name} is an answer`, async () => {
      const extensions = await load(script(on('pre_create', body)));
      await assert.rejects(runEvent(extensions, 'network', 'pre_create'), { name: 'ExtensionFailure', ...expected });
    });

  const DEFECTS: readonly (readonly [string, string])[] = [
    ['an Error', 'throw new Error("boom")'],
    ['a reference to nothing', 'nope()'],
    ['a text', 'throw "boom"'],
    ['null', 'throw null'],
    ['a success without an object', 'throw new CustomException("fine", 200)'],
    ['a code that is no status', 'throw new CustomException("x", "abc")'],
    ['CustomException without a code', 'throw new CustomException("no")'],
    ['a broken code', 'throw new CustomException("no", 418.5)'],
    ['an Error that only has the name of an exception', 'var e = new Error("x"); e.name = "MyException"; e.code = 409; throw e'],
    ['a type that inherits nothing', 'function MyException() { this.name = "MyException"; this.message = "m"; } throw new MyException()'],
    ['an exception without a message', 'var e = new CustomException("x", 409); e.message = undefined; throw e'],
    ['an exception without a name', 'var e = new CustomException("x", 409); e.name = undefined; throw e'],
    ['an unknown problem', 'throw new ResourceException("x", 10)'],
    ['an ExtensionException of nothing', 'throw new ExtensionException("x")'],
    ['an ExtensionException of an Error', 'throw new ExtensionException("x", new Error("y"))'],
    ['a response_code that is no status', 'context.response = "x"; context.response_code = "abc"'],
    ['a response_code without a response', 'context.response_code = 422'],
    ['a code of 500', 'throw new CustomException("internal", 500)'],
    ['a response that is no JSON', 'context.response = {}; context.response.me = context.response'],
  ];
  for (const [name, body] of DEFECTS)
    test(`${name} is a defect`, async () => {
      const extensions = await load(script(on('pre_create', body)));
      await assert.rejects(runEvent(extensions, 'network', 'pre_create'), { code: 'EXTENSION_FAILED' });
    });

  test('after an exception the next handlers still run, and the last exception wins; any other error stops at once', async () => {
    const extensions = await load(
      script(
        on('a', 'context.seen = "1"; throw new CustomException("first", 400)') +
          on('a', 'context.seen += "2"; throw new CustomException("second", 409)') +
          on('a', 'context.seen += "3"') +
          on('b', 'throw new CustomException("first", 400)') +
          on('b', 'nope()') +
          on('b', 'context.seen = "never"') +
          on('look', 'context.response = { seen: context.seen }'),
      ),
    );
    const call = extensions.begin(extensionRequest('network'));
    await assert.rejects(call.run('network', 'a', {}), { status: 409, message: 'second' });
    await assert.rejects(call.run('network', 'b', {}), { code: 'EXTENSION_FAILED' });
    assert.deepEqual((await call.run('network', 'look', {})).response, { seen: '123' });
    call.end();
  });

  test('a response_code is an exception of its handler: the next ones run, and the last one wins', async () => {
    const extensions = await load(
      script(
        on('a', 'context.response = "first"; context.response_code = 422') +
          on('a', 'context.response = "second"') +
          on('b', 'throw new CustomException("first", 400)') +
          on('b', 'context.response = "late"; context.response_code = 410') +
          on('c', 'context.response = "first"; context.response_code = 422') +
          on('c', 'throw new NotFoundException("gone")'),
      ),
    );
    await assert.rejects(runEvent(extensions, 'network', 'a'), { status: 422, message: 'second' });
    await assert.rejects(runEvent(extensions, 'network', 'b'), { status: 410, message: 'late' });
    await assert.rejects(runEvent(extensions, 'network', 'c'), { status: 404, message: 'gone' });
  });

  test('modules answer with a ResponseError; the first rejection stops', async () => {
    const extensions = await load(
      moduleCode(`import { ResponseError } from 'sekisho/extension';
        export const preCreate = async (context: any) => { await null; throw new ResponseError(409, 'taken') };
        export const preUpdate = () => { throw new ResponseError(202, { queued: true }) };
        export const preDelete = () => { throw new ResponseError(99) };`),
      moduleCode('export const preCreate = () => { throw new Error("never") }', 'second'),
    );
    await assert.rejects(runEvent(extensions, 'network', 'pre_create'), { name: 'ExtensionFailure', status: 409, message: 'taken' });
    await assert.rejects(runEvent(extensions, 'network', 'pre_update'), { status: 202, body: { queued: true } });
    await assert.rejects(runEvent(extensions, 'network', 'pre_delete'), { code: 'EXTENSION_FAILED' });
  });

  test('a defect is logged with its stack in the code as written, under the id of the answer', async () => {
    const seen: Event[] = [];
    const unsubscribe = subscribe((event) => void (event.type === 'extension.failed' && seen.push(event)));
    const extensions = await load(
      moduleCode('interface Unused {}\n\nexport const preCreate = (context: any) => {\n  context.resource.no.thing();\n};\n', 'hooks'),
    );
    const error = await runEvent(extensions, 'network', 'pre_create', { resource: {} }).then(
      () => assert.fail('it has to fail'),
      (thrown: { id?: string }) => thrown,
    );
    unsubscribe();
    const [event] = seen;
    assert.equal(event?.type === 'extension.failed' && event.id, error.id);
    assert.match(event?.type === 'extension.failed' ? event.text : '', /^TypeError: .*\n {4}at preCreate \(hooks\.ts:4:23\)$/);
  });

  test('why an exception is no answer is logged', async () => {
    const seen: Event[] = [];
    const unsubscribe = subscribe((event) => void (event.type === 'extension.failed' && seen.push(event)));
    const extensions = await load(script(on('pre_create', 'throw new CustomException("x", 600)')));
    await assert.rejects(runEvent(extensions, 'network', 'pre_create'), { code: 'EXTENSION_FAILED' });
    unsubscribe();
    assert.match(JSON.stringify(seen), /CustomException has code 600; expected a status from 200 to 599; thrown: CustomException\(x\)/);
  });

  test('what is thrown where nobody waits for it is logged, and ends nothing', async () => {
    const seen: Event[] = [];
    const unsubscribe = subscribe((event) => void (event.type === 'extension.failed' && seen.push(event)));
    const extensions = await load(
      moduleCode(
        'export const preCreate = async () => { void Promise.reject(new Error("stray")); await new Promise((r) => setTimeout(r, 5)) }',
      ),
    );
    await runEvent(extensions, 'network', 'pre_create');
    unsubscribe();
    assert.match(JSON.stringify(seen), /unhandledRejection: Error: stray/);
  });
});
