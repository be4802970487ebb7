import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';
import { untilServing } from '../support/workers.ts';

const CONFIG = {
  log_level: 'info',
  database: { connection: './data.db' },
  schemas: ['./schemas.yaml'],
  keystone: { fake: true },
  app_version: '7',
  extension: { timelimit: 5, timelimits: [{ path: '^/t/things', event: '^slow$', timelimit: 60 }], file_root: '.' },
};

const file = (id: string, path: string, url: string): string => `- {id: ${id}, path: '${path}', url: ${url}}\n`;

function schemas(extensions: readonly string[]): string {
  const actions = ['slow', 'spin', 'config', 'folder', 'tenant'].map((id) => `  ${id}: {method: POST, path: '/${id}'}`);
  return [
    'schemas:',
    schema('thing', [property('name', 'string')], ['actions:', ...actions]),
    schema('mark', [property('text', 'string')]),
    'extensions:',
    ...extensions,
  ].join('\n');
}

function api(gateway: Gateway, method: string, path: string, body?: unknown): Promise<Answer> {
  return ask(gateway.proxyUrl + path, { method, body, headers: { 'x-auth-token': 'admin_token' } });
}

const nameOf = async (gateway: Gateway, body: object): Promise<string> =>
  (await api(gateway, 'POST', '/t/things?validate_only=true', body)).json().thing?.name;

describe('extensions of a gateway', () => {
  test('files of extensions are followed, scripts and modules; what does not load is told, and the last good ones run on', async () => {
    await using gateway = await startGateway({
      config: CONFIG,
      files: {
        'schemas.yaml': schemas([file('script', '^/t/things$', './code/a.js'), file('module', '^/t/things$', './code/b.ts')]),
        'code/a.js': 'gohan_register_handler("pre_create", function (context) { context.resource.name += " script"; });',
        'code/b.ts': 'export const preCreate = (context: any): void => { context.resource.name += " module"; };',
      },
    });
    assert.equal(await nameOf(gateway, { name: 'x' }), 'x script module');
    gateway.write('code/b.ts', 'export const preCreate = (context: any): void => { context.resource.name += " changed"; };');
    await until('the changed module runs', async () => (await nameOf(gateway, { name: 'x' })) === 'x script changed');
    gateway.write('code/a.js', 'gohan_register_handler("pre_create", function (context) {');
    await until('the broken script is told', () => Promise.resolve(/EXTENSION_(LOAD|COMPILE)/.test(gateway.log())));
    assert.match(gateway.log(), /a\.js/);
    assert.equal(await nameOf(gateway, { name: 'x' }), 'x script changed');
    gateway.write('schemas.yaml', schemas([]));
    await until('none is left', async () => (await nameOf(gateway, { name: 'x' })) === 'x');
  });

  test('files that a module imports belong to it: they are followed, told with their line, and the same for every process', async () => {
    const module = `import { ending } from './lib/ending.ts';
      export const preCreate = (context: any): void => { context.resource.name += ending(); };`;
    await using gateway = await startGateway({
      config: { ...CONFIG, workers: 2 },
      files: {
        'schemas.yaml': schemas([file('module', '^/t/things$', './code/a.ts')]),
        'code/a.ts': module,
        'code/lib/ending.ts': "export { ending } from './text.ts';",
        'code/lib/text.ts': "export const ending = (): string => ' one';",
      },
    });
    const names = async (): Promise<string> => {
      const found = await Promise.all(Array.from({ length: 8 }, () => nameOf(gateway, { name: 'x' })));
      return [...new Set(found)].join();
    };
    assert.equal(await names(), 'x one');
    gateway.write('code/lib/text.ts', "export const ending = (): string => ' two';");
    await until('the changed import runs in all workers', async () => (await names()) === 'x two');
    gateway.write('code/lib/text.ts', 'export const ending = (): string =>\n  = 3;');
    await until('the broken import is told with its place', () => Promise.resolve(/code\/lib\/text\.ts:2:3/.test(gateway.log())));
    assert.equal(await names(), 'x two');
    for (const { pid } of await untilServing(gateway)) process.kill(pid, 'SIGKILL');
    await until('workers that start now serve it too, whatever is on the disk', async () => {
      const workers = await untilServing(gateway);
      return workers.every(({ restarts }) => restarts > 0) && (await names()) === 'x two';
    });
    gateway.write('code/lib/text.ts', "export const ending = (): string => ' four';");
    await until('the mended import runs', async () => (await names()) === 'x four');
    gateway.write('code/lib/ending.ts', "export { ending } from './later.ts';");
    await until('the missing import is told', () => Promise.resolve(gateway.log().includes('later.ts')));
    gateway.write('code/lib/later.ts', "export const ending = (): string => ' five';");
    await until('the import that came later runs', async () => (await names()) === 'x five');
  });

  test('a script that does not load keeps the gateway from starting', async () => {
    const start = startGateway({ config: CONFIG, files: { 'schemas.yaml': schemas([extension('bad', '^/t/things$', 'var = 1;')]) } });
    await assert.rejects(start, /EXTENSION_|bad/);
  });

  test('what extensions keep beyond a request is the same in all processes', async () => {
    const script = `gohan_register_handler("slow", function (context) {
      var own = gohan_global("counter"), all = gohan_process_global("counter");
      own.n = (own.n || 0) + 1; all.seen = (all.seen || []).concat([own.n]);
      context.response = all.seen;
    });`;
    const module = `let calls = 0;
      export const config = async (context) => {
        const n = ((await context.cache.get('n')) ?? 0) + 1;
        await context.cache.set('n', n);
        calls += 1;
        context.response = { n, calls };
      };`;
    await using gateway = await startGateway({
      config: { ...CONFIG, workers: 2 },
      files: { 'schemas.yaml': schemas([extension('script', '^/t/things$', script), extension('module', '^/t/things$', module)]) },
    });
    const post = async (path: string): Promise<Answer> =>
      await ask(gateway.proxyUrl + path, { method: 'POST', headers: { 'x-auth-token': 'admin_token', connection: 'close' } });
    let count = 0;
    let others = 0;
    // The system spreads connections as it likes: until both processes have answered.
    await until('both processes have answered', async () => {
      count += 1;
      assert.deepEqual((await post('/t/things/slow')).json().at(-1), count);
      const { n, calls } = (await post('/t/things/config')).json();
      assert.equal(n, count);
      others = n - calls;
      return others > 0;
    });
  });

  test('requests under way finish with the extensions that they began with', async () => {
    const slow = 'gohan_register_handler("slow", function (context) { gohan_sleep(3000); context.response = "old"; });';
    await using gateway = await startGateway({
      config: CONFIG,
      files: { 'schemas.yaml': schemas([extension('slow', '^/t/things$', slow)]) },
    });
    const answering = api(gateway, 'POST', '/t/things/slow');
    await until('it is under way', async () => {
      const { threads } = (await gateway.admin('GET', '/api/v1/extensions/status')).json().data;
      return threads.some(({ inFlight }: { readonly inFlight: number }) => inFlight > 0);
    });
    gateway.write('schemas.yaml', schemas([extension('slow', '^/t/things$', slow.replace('3000', '0').replace('old', 'new'))]));
    await until('the new one answers', async () => (await api(gateway, 'POST', '/t/things/slow')).text === '"new"');
    assert.equal((await answering).text, '"old"');
  });

  test('settings: limits of time, the configuration, files', async () => {
    const code = [
      'gohan_register_handler("spin", function (context) { while (true) {} });',
      'gohan_register_handler("slow", function (context) { gohan_sleep(6000); context.response = "slow"; });',
      'gohan_register_handler("config", function (context) {',
      '  context.response = [gohan_config("app_version", ""), gohan_config("database/type", ""), gohan_config("database/connection", "none")];',
      '});',
      'gohan_register_handler("folder", function (context) { context.response = gohan_file_read("sekisho.yaml").length > 10; });',
    ].join('\n');
    await using gateway = await startGateway({
      config: CONFIG,
      files: { 'schemas.yaml': schemas([extension('all', '^/t/things$', code)]) },
    });
    const spin = await api(gateway, 'POST', '/t/things/spin');
    assert.deepEqual([spin.status, spin.json().code], [504, 'EXTENSION_TIMEOUT']);
    assert.equal((await api(gateway, 'POST', '/t/things/slow')).text, '"slow"');
    assert.deepEqual((await api(gateway, 'POST', '/t/things/config')).json(), ['7', 'sqlite3', 'none']);
    assert.equal((await api(gateway, 'POST', '/t/things/folder')).text, 'true');
  });

  test('post-migration can read secrets, at the start and when a schema file is saved', async () => {
    const code = (id: string): string =>
      `export const postMigration = async (context: any) => {
        const text = (await context.secrets.get('ours')) ?? 'none';
        if ((await context.tx.list('mark', { id: '${id}' })).length === 0) await context.tx.create('mark', { id: '${id}', text });
      };`;
    await using gateway = await startGateway({
      config: { ...CONFIG, proxy: { init_resources: { secrets: [{ name: 'ours', namespace: 'default', data: 'hush' }] } } },
      files: { 'schemas.yaml': schemas([extension('migrated', '^/t/things$', code('first'))]) },
    });
    assert.equal((await api(gateway, 'GET', '/t/marks/first')).json().mark?.text, 'hush');
    gateway.write('schemas.yaml', schemas([extension('migrated', '^/t/things$', code('second'))]));
    await until('it runs again', async () => (await api(gateway, 'GET', '/t/marks/second')).json().mark?.text === 'hush');
  });

  test('post-migration runs when the tables are prepared; stored extensions count from the next start on, broken ones are left out', async () => {
    const code = `gohan_register_handler("post-migration", function (context) {
      if (gohan_db_list(null, "mark", {}).length === 0) { gohan_db_create(null, "mark", {id: "migrated", text: context.schema_id}); }
    });`;
    await using gateway = await startGateway({
      config: CONFIG,
      files: { 'schemas.yaml': schemas([extension('migrated', '^/t/things$', code)]) },
    });
    assert.equal((await api(gateway, 'GET', '/t/marks/migrated')).json().mark.text, 'thing');
    const stored = {
      id: 'stored',
      path: '^/t/things$',
      code_type: 'javascript',
      code: 'gohan_register_handler("pre_create", function (c) { c.resource.name = "stored"; });',
    };
    const made = await api(gateway, 'POST', '/gohan/v0.1/extensions', stored);
    assert.equal(made.status, 201, made.text);
    await gateway.restart();
    assert.equal(await nameOf(gateway, { name: 'x' }), 'stored');
    assert.equal((await api(gateway, 'PUT', '/gohan/v0.1/extensions/stored', { code: 'var =' })).status, 200);
    await gateway.restart();
    assert.equal(await nameOf(gateway, { name: 'x' }), 'x');
    assert.match(gateway.log(), /stored extensions/);
  });
});
