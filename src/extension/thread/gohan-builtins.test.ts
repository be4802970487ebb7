import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFakeThread, hostCallError } from '../../../test/support/gohan-thread.ts';
import { BUILTINS } from './gohan-table.ts';

describe('arguments', () => {
  /** Texts as Gohan has them. */
  const CASES: readonly (readonly [call: string, message: string])[] = [
    ['gohan_db_fetch(null, "network", "1")', 'Expected 4 arguments in gohan_db_fetch call, 3 arguments given'],
    ['gohan_db_list(null)', 'Expected 6 arguments in gohan_db_list call, 1 arguments given'],
    ['gohan_db_list(null, "n", {}, "", 0, 0, 0)', 'Expected 6 arguments in gohan_db_list call, 7 arguments given'],
    ['gohan_db_transaction("a", "b")', 'Expected no more than 1 arguments in gohan_db_transaction call, 2 arguments given'],
    ['gohan_schemas(1)', 'Expected 0 arguments in gohan_schemas call, 1 arguments given'],
    ['gohan_db_fetch(null, 5, "1", "")', "Argument '5' should be of type 'string'"],
    ['gohan_db_fetch(undefined, "n", "1", "")', "Argument '<nil>' should be of type 'Transaction'"],
    ['gohan_db_fetch({}, "n", "1", "")', "Argument 'map[]' should be of type 'Transaction'"],
    ['gohan_db_list(null, "n", [1])', "Argument '[1]' should be of type 'Object'"],
    ['gohan_db_query(null, "n", "SELECT 1", "x")', "Argument 'x' should be of type 'array'"],
    ['gohan_exec("ls", [1])', "Argument '[1]' should be of type 'array of strings'"],
    ['gohan_http("GET", "http://a", {}, null, 1)', "Argument '1' should be of type 'bool'"],
    ['gohan_log("m", 1, 5)', "Message: Argument '5' should be of type 'string'"],
    ['gohan_log_info()', "Message: Argument '<nil>' should be of type 'string'"],
    ['gohan_model_fetch(null, "n", "1", null)', 'No context provided'],
    ['gohan_model_create({transaction: TX}, "n", [])', "Not a dictionary: '[]'"],
    ['gohan_model_list({transaction: TX}, "n", {a: 1})', 'Filter not a string nor array of strings'],
    ['gohan_raw_http("GET", "http://a", {a: 1}, "")', "Header 'a' value must be a string type"],
    ['gohan_trigger_event("e", {})', 'gohan_trigger_event: schema not found'],
    ['gohan_register_handler("e", 5)', "Argument '5' should be of type 'function'"],
  ];
  for (const [call, message] of CASES) test(call, () => assert.equal(createFakeThread().messageOf(call), message));

  test('errors are those of the realm, and every built-in is a global', () => {
    const thread = createFakeThread();
    assert.equal(thread.run('(function () { try { gohan_uuid.x.y } catch (e) { return e instanceof Error } })()'), true);
    assert.equal(thread.run('(function () { try { gohan_schemas(1) } catch (e) { return e instanceof Error } })()'), true);
    assert.deepEqual(
      thread.run(`${JSON.stringify(Object.keys(BUILTINS))}.filter(function (n) { return typeof this[n] !== 'function' }, this)`),
      [],
    );
  });
});

describe('database', () => {
  test('calls of the gateway', () => {
    const thread = createFakeThread({
      'db.begin': 7,
      'db.list': [{ id: '1' }],
      'db.fetch': { id: '1' },
      'db.create': (_tx: unknown, _schema: unknown, resource: unknown) => resource,
      'db.columns': 'n.`a` as `n__a`, n.`b` as `n__b`',
    });
    thread.run(`
      gohan_db_list(null, 'n', {a: ['x']});
      gohan_db_lock_list(TX, 'n', {}, 'id', 5, 10, 0);
      gohan_db_fetch(TX, 'n', '1', '');
      gohan_db_lock_fetch(TX, 'n', '1', 't', 1);
      var tx = gohan_db_transaction();
      gohan_db_create(tx, 'n', {id: '2'});
      tx.Commit(); tx.Close();
    `);
    assert.deepEqual(thread.calls, [
      ['db.list', null, 'n', { a: ['x'] }, {}],
      ['db.list', 'request', 'n', {}, { orderKey: 'id', limit: 5, offset: 10, lock: 'lock_related' }],
      ['db.fetch', 'request', 'n', '1', {}],
      ['db.fetch', 'request', 'n', '1', { tenantId: 't', lock: 'skip_related' }],
      ['db.begin', undefined],
      ['db.create', 7, 'n', { id: '2' }],
      ['db.commit', 7],
    ]);
    assert.deepEqual(thread.run("gohan_db_sql_make_columns('n')"), ['n.`a` as `n__a`', 'n.`b` as `n__b`']);
    assert.equal(thread.run("gohan_db_list(null, 'n', {}) instanceof Array"), true);
  });
  test('errors', () => {
    const thread = createFakeThread({
      'db.fetch': () => {
        throw hostCallError('RESOURCE_NOT_FOUND', 'There is no such resource');
      },
      'db.delete': () => {
        throw hostCallError('EXTENSION_SCHEMA', "Unknown schema 'nope'");
      },
      'db.list': () => {
        throw hostCallError('EXTENSION_TIMEOUT', 'too long');
      },
      'db.begin': () => {
        throw hostCallError('EXTENSION_TRANSACTION', 'too many');
      },
    });
    assert.equal(thread.messageOf("gohan_db_fetch(null, 'n', '1', '')"), 'Error during gohan_db_fetch: resource not found');
    assert.equal(thread.messageOf("gohan_db_delete(null, 'nope', '1')"), "Unknown schema 'nope'");
    assert.equal(thread.messageOf("gohan_db_list(null, 'n', {})"), 'too long');
    assert.equal(thread.messageOf('gohan_db_transaction()'), 'failed to start a transaction: too many');
    assert.equal(
      thread.messageOf("gohan_db_lock_fetch(null, 'n', '1', '', 9)"),
      'Unknown lock policy 9: 0 locks related rows too, 1 skips them',
    );
  });
});

describe('models', () => {
  const context = '({transaction: TX, resource: {id: "stray"}})';
  const how = { mode: 'gohan', transaction: 'request' };
  test('calls of the gateway', () => {
    const thread = createFakeThread({ 'model.create': (_schema: unknown, data: unknown) => data });
    assert.deepEqual(thread.run(`gohan_model_create(${context}, 'n', {id: '1'})`), { id: '1' });
    thread.run(`gohan_model_list(${context}, 'n', {a: ['x', 'y'], b: 'z'}); gohan_model_update(${context}, 'n', '1', {a: 2}, ['t'])`);
    assert.deepEqual(thread.calls.slice(1), [
      ['model.list', 'n', { a: ['x', 'y'], b: 'z' }, {}, how],
      ['model.update', 'n', '1', { a: 2 }, { tenantIds: ['t'] }, how],
    ]);
    assert.match(
      String(thread.messageOf("gohan_model_list({transaction: {}}, 'n', {})")),
      /^context.transaction is no transaction: 'map\[\]'$/,
    );
  });
  test('refusals are exceptions', () => {
    const failing = (fields: Readonly<Record<string, unknown>>) =>
      createFakeThread({
        'model.delete': () => {
          throw hostCallError('RESOURCE_NOT_FOUND', 'gone', fields);
        },
      }).run(`(function () { try { gohan_model_delete(${context}, 'n', '1') } catch (e) {
        return [e instanceof BaseException, e instanceof ResourceException, e instanceof Error, e.toDict ? e.toDict() : e.message] } })()`);
    assert.deepEqual(failing({ problem: 3 }), [true, true, false, { name: 'ResourceException', message: 'gone', problem: 3 }]);
    assert.deepEqual(failing({ exception: 'CustomException', status: 422 }), [
      true,
      false,
      false,
      { name: 'ExtensionException', message: 'gone', inner_exception: { name: 'CustomException', message: 'gone', code: 422 } },
    ]);
    assert.deepEqual(failing({}), [false, false, true, 'gone']);
  });
});

test('exceptions are inherited as scripts of Gohan do it', () => {
  const thread = createFakeThread();
  assert.deepEqual(
    thread.run(`
      function ValidationException(msg) { CustomException.call(this, msg, 499); this.name = 'ValidationException'; this.fields.push('extra'); this.extra = 1; }
      ValidationException.prototype = Object.create(CustomException.prototype);
      var e = new ValidationException('no');
      [e instanceof CustomException, e instanceof BaseException, String(e), e.toDict(), new NotFoundException('x').toDict(), new TimeOutException('y').code,
       new ExtensionException('o', e.toDict()).toDict().inner_exception.code, new BaseException().toString(), CustomException.name]`),
    [
      true,
      true,
      'ValidationException(no)',
      { name: 'ValidationException', message: 'no', code: 499, extra: 1 },
      { name: 'NotFoundException', message: 'x', code: 404 },
      503,
      499,
      'BaseException()',
      'CustomException',
    ],
  );
});

describe('http', () => {
  const answer = {
    status: 201,
    statusText: 'Created',
    headers: { 'content-type': 'text/plain', 'set-cookie': 'a=1, b=2' },
    setCookies: ['a=1', 'b=2'],
    body: 'hi',
  };
  const headers = { 'Content-Type': ['text/plain'], 'Set-Cookie': ['a=1', 'b=2'] };
  test('gohan_http', () => {
    const thread = createFakeThread({ 'http.request': answer });
    assert.deepEqual(thread.run("gohan_http('POST', 'http://a/', {'x-a': 'b'}, {c: 1})"), {
      status: 'success',
      status_code: '201',
      body: 'hi',
      headers,
    });
    thread.run("gohan_http('GET', 'http://a/', {}, null, true, 50); gohan_http('PUT', 'http://a/', {'content-type': 'text/plain'}, 'raw')");
    const call = { method: 'POST', url: 'http://a/', timeoutMs: 3000, follow: true, opaque: false };
    assert.deepEqual(
      thread.calls.map(([, sent]) => ({ ...(sent as object) })),
      [
        { ...call, headers: { 'x-a': 'b', 'content-type': 'application/json' }, body: '{"c":1}' },
        { ...call, method: 'GET', headers: {}, body: undefined, opaque: true, timeoutMs: 50 },
        { ...call, method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'raw' },
      ],
    );
  });
  test('gohan_raw_http', () => {
    const thread = createFakeThread({ 'http.request': answer });
    assert.deepEqual(thread.run("gohan_raw_http('POST', 'http://a/', {}, 'text')"), {
      status: '201 Created',
      status_code: 201,
      headers,
      body: 'hi',
    });
  });
  test('failures', () => {
    const thread = createFakeThread({
      'http.request': () => {
        throw hostCallError('EXTENSION_CALL_FAILED', 'Get "http://a/": no');
      },
    });
    assert.deepEqual(thread.run("gohan_http('GET', 'http://a/', {}, null)"), { status: 'err', error: 'Get "http://a/": no' });
    assert.equal(thread.messageOf("gohan_raw_http('GET', 'http://a/', {}, '')"), 'Get "http://a/": no');
    assert.match(String(thread.messageOf("gohan_ssh_open('h', 'u')")), /gohan_ssh_open is not enabled/);
  });
});

test('log lines name environment, event and what scripts push', () => {
  const thread = createFakeThread();
  thread.event = 'pre_create';
  thread.requestId = 'r1';
  thread.run(`
    gohan_log_critical('a'); var old = gohan_log_module_push('part'); gohan_log_notice('b');
    gohan_log_module_restore(old); gohan_log_debug('c'); gohan_log('own', LOG_LEVEL.WARNING, 'd'); LOG_MODULE = 'set'; gohan_log_info('e')`);
  thread.requestId = 'r2';
  thread.run("gohan_log_error('f')");
  assert.deepEqual(thread.lines, [
    'error gohan.extension.network.pre_create: a',
    'info gohan.extension.network.pre_create.part: b',
    'debug gohan.extension.network.pre_create: c',
    'warn own: d',
    'info set: e',
    'error gohan.extension.network.pre_create: f',
  ]);
});

test('settings, environment, templates, files, sync, events', () => {
  const thread = createFakeThread(
    {
      'config.get': (path: string) => (path === 'database/type' ? 'sqlite3' : undefined),
      'file.list': ['.hidden', 'a', 'b'],
      'file.read': (path: string) => `text of ${path}`,
      'file.stat': (path: string) => (path === 'folder' ? { isDirectory: true } : undefined),
      'sync.watch': [],
      'schema.url': '/v1/n',
    },
    { env: { SHOWN: 'yes', EMPTY: '' }, file: '/schemas/code/script.js' },
  );
  assert.deepEqual(
    thread.run(`[gohan_config('database/type', 'x'), gohan_config('none', {a: 1}), gohan_get_env('SHOWN', 'd'), gohan_get_env('EMPTY', 'd'),
      gohan_template('{{range .l}}<{{.}}>{{end}}', {l: [1, 2]}), gohan_template(5, 1), gohan_file_list('.'), gohan_file_read_cd('../x.txt'), gohan_file_dir('folder'),
      gohan_sync_watch('/a', 10, 0), gohan_schema_url('n'), gohan_sleep(0), gohan_uuid().length]`),
    ['sqlite3', { a: 1 }, 'yes', 'd', '<1><2>', 5, 'a\nb\n', 'text of /schemas/x.txt', true, {}, '/v1/n', null, 36],
  );
  assert.equal(thread.messageOf("gohan_file_dir('none')"), 'open none: no such file or directory');
  assert.equal(thread.messageOf("gohan_sync_fetch('/a')"), 'Failed to fetch sync: Key not found (/a)');
  assert.match(String(thread.messageOf("gohan_template('{{.a', 1)")), /^template:1:1: unclosed action$/);
  thread.run("gohan_register_handler('e', function (c) { c.seen = true }); var c = {schema: {}}; gohan_handle_event('e', c)");
  assert.equal(thread.run('c.seen'), true);
  thread.run("function instrument(code, path) { return path + ':' + code } gohan_load_hook('instrument')");
  assert.equal(thread.transforms[0]?.('x', 'p'), 'p:x');
});

test('the methods of context.auth are not data', () => {
  const { auth } = createFakeThread().decorate({
    auth: { tenant_id: 't', tenant_name: 'tn', roles: ['Member'], is_admin: false },
  }) as { auth: Record<string, () => unknown> };
  assert.deepEqual(
    [auth['TenantID']?.(), auth['TenantName']?.(), auth['DomainID']?.(), auth['Roles']?.(), auth['IsAdmin']?.()],
    ['t', 'tn', '', [{ Name: 'Member' }], false],
  );
  assert.deepEqual(Object.keys(auth), ['tenant_id', 'tenant_name', 'roles', 'is_admin']);
});

test('the head of the request has the names of Go', () => {
  const thread = createFakeThread();
  const http_request = {
    method: 'GET',
    url: '/v1/a?b=1',
    path: '/v1/a',
    host: 'api:80',
    headers: { 'x-auth-token': 't', accept: 'a, b' },
    remote_address: '10.0.0.1',
  };
  thread.run(
    "gohan_register_handler('e', function (c) { var r = c.http_request; c.seen = [r.Method, r.Host, r.RequestURI, r.RemoteAddr, r.URL.Path, r.URL.RawQuery, r.URL.String(), r.Header.Get('X-AUTH-token'), r.Header.Get('none'), r.Header['X-Auth-Token']] })",
  );
  const context: Record<string, unknown> = thread.decorate({ http_request: { ...http_request } });
  thread.handle('e', context);
  assert.deepEqual(JSON.parse(JSON.stringify(context['seen'])), [
    'GET',
    'api:80',
    '/v1/a?b=1',
    '10.0.0.1',
    '/v1/a',
    'b=1',
    '/v1/a?b=1',
    't',
    '',
    ['t'],
  ]);
  assert.deepEqual(JSON.parse(JSON.stringify(context['http_request'])), http_request);
});

test('shared objects are read and written at every depth', () => {
  const store = new Map<string, string>();
  const answers = {
    'global.get': (environment: string, name: string) => store.get(environment + name),
    'global.set': (environment: string, name: string, text: string) => void store.set(environment + name, text),
  };
  const [one, two] = [createFakeThread(answers), createFakeThread(answers)];
  one.run("var g = gohan_global('a'); g.count = 1; g.list = []; g.deep = {x: {}}");
  two.run("var g = gohan_global('a'); g.count += 1; g.list.push('p', 'q'); g.deep.x.y = true; delete g.deep.none");
  assert.deepEqual(one.run("[g, Object.keys(g), g.list.length, g.list instanceof Array, 'count' in g, g.none === undefined]"), [
    { count: 2, list: ['p', 'q'], deep: { x: { y: true } } },
    ['count', 'list', 'deep'],
    2,
    true,
    true,
    true,
  ]);
  assert.deepEqual(
    one.run(
      'g.jobs = [{n: 1}, {n: 2}, {n: 3}]; var first = g.jobs.shift(), rest = g.jobs; g.jobs = []; [first, rest, g.jobs, g.jobs === g.jobs]',
    ),
    [{ n: 1 }, [{ n: 2 }, { n: 3 }], [], true],
  );
  assert.deepEqual(one.run('rest[0].n = 9; rest.push({n: 4}); delete g.jobs; [rest, g.jobs === undefined]'), [
    [{ n: 9 }, { n: 3 }, { n: 4 }],
    true,
  ]);
  one.requestId = '1';
  const before = one.calls.length;
  assert.equal(one.run('var sum = 0; for (var i = 0; i < g.list.length; i += 1) sum += g.list[i].length; sum'), 2);
  assert.ok(one.calls.length - before < 4, 'a loop reads it once');
  one.requestId = '2';
  two.run("g.list.pop(); delete g.count; gohan_process_global('a').z = 1");
  assert.deepEqual(one.run("[g, gohan_process_global('a')]"), [{ list: ['p'], deep: { x: { y: true } } }, { z: 1 }]);
});
