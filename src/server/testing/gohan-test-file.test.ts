import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createTempFolder } from '../../../test/support/temp.ts';
import { runGohanTests, type TestFileOutcome } from './gohan-test-file.ts';
import { readTestSettings } from './test-settings.ts';

const folder = createTempFolder();
after(() => folder[Symbol.dispose]());

folder.write(
  'schemas/net.yaml',
  `
schemas:
- {id: network, singular: network, plural: networks, title: n, description: n, prefix: /v1, schema: {type: object, properties: {
    id: {type: string, title: i, description: i}, name: {type: string, title: n, description: n, default: unnamed}}}}
- {id: port, singular: port, plural: ports, title: p, description: p, prefix: /v1, schema: {type: object, properties: {
    id: {type: string, title: i, description: i}, note: {type: string, title: n, description: n}}}}
extensions:
- {id: first, path: ^/v1/networks, code_type: javascript, url: first.js}
- {id: module, path: ^/v1/(networks|modules)$, code_type: typescript, url: module.ts}
- {id: other, path: ^/v1/ports, code_type: javascript, code: 'var OTHER = true;'}
`,
);
folder.write(
  'schemas/first.js',
  `var FIRST = true;
var counter = 0;
gohan_register_handler("post_list", function (context) { context.triggered = true; });
gohan_register_handler("count", function (context) { counter += 1; context.counter = counter; });
gohan_register_handler("pre_create_in_transaction", function (context) { context.resource.note = "of " + context.schema_id; });
gohan_register_handler("call", function (context) { context.answer = gohan_http("GET", "http://x/", {}, null); });
gohan_register_handler("own", function (context) {
  var tx = gohan_db_transaction();
  try { gohan_db_create(tx, "network", {id: "own"}); tx.Commit(); } finally { tx.Close(); }
});
gohan_register_handler("refuse", function () { throw new CustomException("no", 409); });
gohan_register_handler("break", function () { throw new Error("broken"); });
gohan_register_handler("exit", function () { gohan_log_info("bye"); });
`,
);
folder.write(
  'schemas/module.ts',
  `export const rename = async (context: any) => {
  const row = await context.tx.fetch('network', context.id);
  context.resource = { name: row.name + '!' };
};
export const reach = (context: any) => context.fetch('http://127.0.0.1:1/');
`,
);
folder.write('schemas/all.txt', '# what there is\nnet.yaml\n\n');

const HEAD = 'var SCHEMAS = ["schemas/net.yaml"]; var SCHEMA_INCLUDES = []; var PATH = "/v1/networks";\n';
let files = 0;

async function run(code: string, only?: RegExp): Promise<TestFileOutcome> {
  files += 1;
  const name = `test_${files}.js`;
  folder.write(name, code);
  const settings = readTestSettings(undefined, folder.path, {});
  return await runGohanTests(name, { settings, cwd: folder.path, only, onTest() {} });
}

/** By test its failure, without the places. */
async function failures(code: string, only?: RegExp): Promise<Readonly<Record<string, string | undefined>>> {
  const { tests, error } = await run(code, only);
  assert.equal(error, undefined);
  return Object.fromEntries(tests.map(({ name, failure }) => [name, failure?.split('\n')[0]]));
}

describe('a file that cannot run', () => {
  const cases: Readonly<Record<string, readonly [string, RegExp]>> = {
    'has a mistake': ['function (', /test_\d+\.js:1:10|Function statements/],
    'names no schemas': ['var SCHEMA_INCLUDES = []; var PATH = "/v1";', /^SCHEMAS string array not specified$/],
    'has schemas of a wrong type': [
      'var SCHEMAS = 5; var PATH = "/v1";',
      /^Bad type of SCHEMAS - expected an array of strings but the type is Number$/,
    ],
    'names no path': ['var SCHEMAS = [];', /^PATH string not specified$/],
    'names schemas that are not there': ['var SCHEMAS = ["no.yaml"]; var PATH = "/v1";', /no\.yaml/],
    'names includes that are not there': ['var SCHEMAS = []; var SCHEMA_INCLUDES = ["no.txt"]; var PATH = "/v1";', /no such file.*no\.txt/],
  };
  for (const [title, [code, text]] of Object.entries(cases))
    test(title, async () => {
      const { tests, error } = await run(`${code}\nfunction testIt() {}`);
      assert.deepEqual(tests, []);
      assert.match(error ?? '', text);
    });
});

test('the extensions of the path are loaded, by schemas, by includes and by the name of the documentation', async () => {
  const body = 'function testIt() { if (!FIRST || typeof OTHER !== "undefined") { Fail("wrong extensions"); } }';
  for (const head of [
    HEAD,
    'var SCHEMAS = []; var SCHEMA_INCLUDES = ["schemas/all.txt"]; var PATH = "/v1/networks";',
    'var SCHEMA = "schemas/net.yaml"; var PATH = "/v1/networks";',
  ])
    assert.deepEqual(await failures(`${head}\n${body}`), { testIt: undefined });
});

test('tests are the functions that are declared and named so, in order; a pattern chooses among them', async () => {
  const code = `${HEAD}function testB() {} function testA() {} function helper() {} var testData = {}; var testFunction = function () {};`;
  assert.deepEqual(Object.keys(await failures(code)), ['testB', 'testA']);
  assert.deepEqual(Object.keys(await failures(code, /A/)), ['testA']);
});

test('each test is loaded anew, on an empty database', async () => {
  const again = `{ var context = {}; GohanTrigger("count", context); if (context.counter !== 1) { Fail("counter is %d", context.counter); }
    var tx = MockTransaction(); if (gohan_db_list(tx, "network", {}).length) { Fail("not empty"); }
    gohan_db_create(tx, "network", {id: "a"}); CommitMockTransaction(); }`;
  assert.deepEqual(await failures(`${HEAD}function testOne() ${again} function testTwo() ${again}`), {
    testOne: undefined,
    testTwo: undefined,
  });
});

test('what fails a test, and how it is told', async () => {
  const found = await failures(`${HEAD}
function testFail() { Fail("%s is %d of %v", "a", 5, {b: [1]}); }
function testFailAlone() { Fail(); }
function testFailWrongly() { Fail({}); }
function testError() { throw new TypeError("oops"); }
function testException() { GohanTrigger("refuse", {}); }
function testText() { throw "a text"; }
function testHandler() { GohanTrigger("break", {}); }
function testCaught() { try { Fail("counts though it is caught"); } catch (e) {} }
function testExceptionCaught() { try { GohanTrigger("refuse", {}); } catch (e) { if (e.code !== 409) { Fail("%v", e.code); } } }
`);
  assert.deepEqual(found, {
    testFail: 'a is 5 of map[b:[1]]',
    testFailAlone: 'Fail',
    testFailWrongly: "Invalid call to 'Fail': format string expected first",
    testError: 'TypeError: oops',
    testException: 'CustomException: no',
    testText: 'a text',
    testHandler: 'Error: broken',
    testCaught: 'counts though it is caught',
    testExceptionCaught: undefined,
  });
});

test('a test that is asynchronous says so instead of passing', async () => {
  assert.deepEqual(await failures(`${HEAD}async function testIt() {}`), {
    testIt: 'testIt is asynchronous, which a test of a script cannot be: write a *.test.ts',
  });
});

test('a failure tells its place in the scripts', async () => {
  const { tests } = await run(`${HEAD}\nfunction testIt() {\n  GohanTrigger("break", {});\n}`);
  assert.match(tests[0]?.failure ?? '', /schemas\/first\.js:12:\d+/);
  assert.match(tests[0]?.failure ?? '', /test_\d+\.js:4:\d+/);
});

test('setUp and tearDown: a test whose setUp fails does not run, the first failure counts', async () => {
  assert.deepEqual(await failures(`${HEAD}var x; function setUp() { x = 1; } function testIt() { if (x !== 1) { Fail(); } }`), {
    testIt: undefined,
  });
  assert.deepEqual(
    await failures(`${HEAD}function setUp() { Fail("setUp"); } function tearDown() { Fail("no"); } function testIt() { Fail("no"); }`),
    {
      testIt: 'setUp',
    },
  );
  assert.deepEqual(
    await failures(`${HEAD}function tearDown() { Fail("tearDown"); } function testIt() {} function testWorse() { Fail("original"); }`),
    {
      testIt: 'tearDown',
      testWorse: 'original',
    },
  );
});

test('GohanTrigger changes the context; at the end exit runs; the log is kept', async () => {
  const { tests } = await run(`${HEAD}function testIt() {
  var context = {triggered: false};
  if (GohanTrigger("post_list", context) !== undefined || !context.triggered) { Fail("not triggered"); }
}`);
  assert.equal(tests[0]?.failure, undefined);
  assert.match(tests[0]?.log.join('\n') ?? '', /^INFO gohan\.extension\.test_\d+\.\w+: bye$/);
});

test('mocks: expected calls are answered in order', async () => {
  const found = await failures(`${HEAD}
function testReturns() {
  gohan_http.Expect("GET", "http://x/", {}, null).Return("one");
  gohan_http.Expect("GET", "http://x/", {}, null).Return("two");
  var context = {};
  GohanTrigger("call", context);
  if (context.answer !== "one") { Fail("%v", context.answer); }
  GohanTrigger("call", context);
  if (context.answer !== "two") { Fail("%v", context.answer); }
}
function testThrows() {
  gohan_http.Expect("GET", "http://x/", {}, null).Throw("TimeOutException");
  try { GohanTrigger("call", {}); } catch (e) { if (e.code === 503) { return; } }
  Fail("expected TimeOutException");
}
function testUnexpected() { GohanTrigger("call", {}); }
function testUnexpectedCaught() { try { GohanTrigger("call", {}); } catch (e) {} }
function testWrong() { gohan_http.Expect("POST", "http://abc", {"a": "a"}, {}).Return("OK"); GohanTrigger("call", {}); }
function testNotMade() { gohan_http.Expect("POST").Return("OK"); gohan_http.Expect("GET").Return("OK"); }
function testNoReturn() { gohan_http.Expect("GET"); }
function testNoExpect() { gohan_http.Return("OK"); }
function testReturnNothing() { gohan_http.Expect("GET").Return(); }
function testConfig() { gohan_config("database/type", "sqlite3"); }
function testExec() { gohan_exec.Expect("ls", ["-l"]).Return({status: "success", output: ""}); if (gohan_execute("ls", ["-l"]).status !== "success") { Fail(); } }
`);
  assert.deepEqual(found, {
    testReturns: undefined,
    testThrows: undefined,
    testUnexpected: 'Unexpected call to gohan_http([GET, http://x/, map[], <nil>])',
    testUnexpectedCaught: 'Unexpected call to gohan_http([GET, http://x/, map[], <nil>])',
    testWrong: 'Wrong arguments for call gohan_http([GET, http://x/, map[], <nil>]), expected [POST, http://abc, map[a:a], map[]]',
    testNotMade: 'Expected call to gohan_http([POST]) with return value OK, but not made',
    testNoReturn: 'Return() should be specified for each call to gohan_http',
    testNoExpect: 'Expect() should be specified for each call to gohan_http',
    testReturnNothing: 'Return() should be called with exactly one argument',
    testConfig: 'Unexpected call to gohan_config([database/type, sqlite3])',
    testExec: undefined,
  });
});

test('transactions: what is committed stays, what is not goes, models run in them with the handlers of the test', async () => {
  const found = await failures(`${HEAD}
function testCommit() {
  gohan_db_create(MockTransaction(), "network", {id: "a"});
  CommitMockTransaction();
  var rows = gohan_db_list(MockTransaction(), "network", {});
  if (JSON.stringify(rows) !== '[{"id":"a","name":"unnamed"}]') { Fail("%s", JSON.stringify(rows)); }
}
function testClose() {
  var tx = MockTransaction();
  gohan_db_create(tx, "network", {id: "a"});
  if (tx.Closed()) { Fail("closed"); }
  tx.Close();
  if (!tx.Closed() || gohan_db_list(MockTransaction(), "network", {}).length !== 0) { Fail("not undone"); }
}
function testSame() {
  if (MockTransaction() !== MockTransaction()) { Fail("another one"); }
  if (MockTransaction() === MockTransaction(true)) { Fail("the same"); }
}
function testIsolation() { MockTransaction(); MockTransaction(false, "SERIALIZABLE"); }
function testMocked() {
  gohan_db_transaction.Expect().Return(MockTransaction(true));
  GohanTrigger("own", {});
  if (gohan_db_fetch(MockTransaction(), "network", "own", "").id !== "own") { Fail("not there"); }
}
function testModels() {
  var context = {transaction: MockTransaction(), auth: MockAuthorization(), policy: MockPolicy()};
  gohan_model_create(context, "port", {id: "p"});
  var port = gohan_model_fetch(context, "port", "p", null);
  if (port.note !== "of port") { Fail("%v", port); }
  if (context.auth.TenantID() !== "") { Fail("%v", context.auth); }
}
`);
  assert.deepEqual(found, {
    testCommit: undefined,
    testClose: undefined,
    testSame: undefined,
    testIsolation: 'Error: Requested SERIALIZABLE isolation level, got REPEATABLE READ',
    testMocked: undefined,
    testModels: undefined,
  });
});

test('GohanTrigger runs handlers of modules too, in the transaction of the context; they reach nothing outside', async () => {
  const found = await failures(`${HEAD}
function testModule() {
  var context = {id: "a", transaction: MockTransaction()};
  gohan_db_create(context.transaction, "network", {id: "a", name: "first"});
  GohanTrigger("rename", context);
  if (context.resource.name !== "first!") { Fail("%v", context.resource); }
}
function testReach() { GohanTrigger("reach", {}); }
`);
  assert.equal(found['testModule'], undefined);
  assert.match(found['testReach'] ?? '', /In tests of scripts modules call no other services/);
});
