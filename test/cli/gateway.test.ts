import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { type Gateway, SEKISHO_BIN, startGateway } from '../support/gateway.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

interface Told {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

let gateway: Gateway;
let folder: TempFolder;

before(async () => {
  folder = createTempFolder();
  gateway = await startGateway();
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  folder.remove();
});

function cli(...words: readonly string[]): Told {
  const env = { ...process.env, SEKISHO_ADMIN_API: gateway.adminUrl };
  const { status, stdout, stderr } = spawnSync(SEKISHO_BIN, words, { encoding: 'utf8', cwd: folder.path, env });
  return { exit: status, out: stdout, err: stderr };
}

/** Runs a line that has to succeed; gives the JSON that it printed. */
function done(...words: readonly string[]): unknown {
  const { exit, out, err } = cli(...words);
  assert.equal(exit, 0, `${words.join(' ')}: ${err}`);
  return out === '' ? undefined : JSON.parse(out);
}

/** Names of what `list` prints. */
function listed(kind: string, ...words: readonly string[]): readonly string[] {
  return (done(kind, 'ls', ...words) as readonly { name?: string; id?: string }[]).map(({ name, id }) => name ?? id ?? '');
}

test('every kind is created, listed, shown and deleted', () => {
  const { certFile, keyFile } = makeCertificate(folder.path, ['a.test']);
  folder.write('m.ts', "export const requestHandler = (ctx: any) => ctx.response().json({ hello: 'cli' });\n");
  folder.write('s.json', '{"type":"object","required":["a"]}');
  done('ns', 'mk', 'name=n', 'tags=x,y');
  const lines: Readonly<Record<string, readonly string[]>> = {
    svc: ['name=s', 'urls=http://127.0.0.1:1', 'retryTimeout=50ms'],
    mod: ['name=m', 'payload@=m.ts', 'moduleType=typescript'],
    rt: ['name=r', 'paths=/cli/{id}', 'methods=GET,POST', 'modules=m'],
    dom: ['name=d', 'patterns=a.test', 'priority=3', `cert@=${certFile}`, `key@=${keyFile}`],
    col: ['name=c', 'schema@=s.json', 'type=document', 'visibility=public'],
    sec: ['name=k', 'data=hidden'],
  };
  for (const [kind, words] of Object.entries(lines)) done(kind, 'mk', ...words, 'namespace=n');
  done('doc', 'mk', 'id=d1', 'collection=c', 'data:={"a":1}', '-n', 'n');

  assert.ok(listed('ns').includes('n'));
  for (const [kind, [word = '']] of Object.entries(lines)) {
    const name = word.slice('name='.length);
    assert.deepEqual(listed(kind, 'namespace=n'), [name], kind);
    assert.equal((done(kind, 'get', name, '-n', 'n') as { name: string }).name, name);
  }
  assert.deepEqual(listed('doc', 'collection=c', 'namespace=n'), ['d1']);
  assert.deepEqual((done('doc', 'get', 'd1', 'collection=c', 'namespace=n') as { data: unknown }).data, { a: 1 });
  assert.equal((done('svc', 'get', 's', '-n', 'n') as { retryTimeout: unknown }).retryTimeout, 50e6);
  assert.doesNotMatch(cli('dom', 'get', 'd', '-n', 'n').out, /PRIVATE KEY/);
  assert.doesNotMatch(cli('sec', 'get', 'k', '-n', 'n').out, /hidden/);

  done('doc', 'rm', 'd1', 'collection=c', 'namespace=n');
  done('doc', 'mk', 'id=d2', 'collection=c', 'data:={"a":2}', '-n', 'n');
  done('doc', 'rm', '--all', 'collection=c', 'namespace=n');
  assert.deepEqual(listed('doc', 'collection=c', 'namespace=n'), []);
  for (const kind of ['rt', 'svc', 'mod', 'dom', 'col', 'sec']) done(kind, 'rm', lines[kind]?.[0] ?? '', 'namespace=n');
  done('ns', 'rm', 'n');
  assert.ok(!listed('ns').includes('n'));
});

test('what the server refuses is exit code 1 with its reason', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['svc', 'get', 'nobody'], /^404 error from server: /],
    [
      ['svc', 'mk', 'name=s', 'urls=nonsense'],
      /^400 error from server: service "s": urls: "nonsense": url scheme cannot be empty[^\n]*\n$/,
    ],
    [['rt', 'mk', 'name=r', 'paths=/x', 'methods=GET', 'service=nobody'], /^400 error from server: .*nobody/],
    [['ns', 'rm', 'nobody'], /^40[04] error from server: /],
    [['doc', 'ls', 'collection=nobody'], /^404 error from server: /],
  ];
  for (const [words, want] of cases) {
    const { exit, out, err } = cli(...words);
    assert.equal(exit, 1, words.join(' '));
    assert.equal(out, '');
    assert.match(err, want);
  }
});

test('status, explain, history and changelog tell about the running gateway', () => {
  done('svc', 'mk', 'name=seen', 'urls=http://127.0.0.1:1');
  done('rt', 'mk', 'name=seen', 'paths=/seen/{id}', 'methods=GET', 'service=seen');
  const status = done('status', '-o', 'json') as { ready: boolean; revision: number };
  assert.equal(status.ready, true);
  const { route } = done('explain', 'path=/seen/7', 'host=any', '-o', 'json') as { route: { name: string; params: unknown } };
  assert.deepEqual([route.name, route.params], ['seen', { id: '7' }]);
  const [latest] = done('history', 'limit=1') as readonly { revision: number; changes: readonly { name: string }[] }[];
  assert.deepEqual([latest?.revision, latest?.changes[0]?.name], [status.revision, 'seen']);
  assert.equal((done('changelog') as { latest: string }).latest, String(status.revision));
});

test('basic authentication', async () => {
  const users = [{ username: 'u', password: 'p:q' }];
  await using guarded = await startGateway({ config: { admin: { auth_method: 'basic', basic_auth: { users } } } });
  const run = (...words: readonly string[]) =>
    spawnSync(SEKISHO_BIN, ['--admin', guarded.adminUrl, ...words], { encoding: 'utf8', input: 'p:q\n' });
  assert.equal(run('-a', 'u:p:q', 'ns', 'ls').status, 0);
  assert.equal(run('ns', 'ls', '-a', 'u').status, 0);
  const refused = run('-a', 'u:x', 'ns', 'ls');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^401 error from server/);
  assert.equal(run('status').status, 1);
});

test('a wrong configuration is exit code 2 with every place, for start and for validate', () => {
  const file = folder.write('bad.yaml', 'version: v1\nstorage: { type: memory }\nproxy: { prot: 1 }\nadmin: { port: none }\n');
  for (const line of [
    ['start', '-c', file],
    ['validate', 'config', '-c', file],
  ]) {
    const { exit, out, err } = cli(...line);
    assert.deepEqual([exit, out], [2, ''], line.join(' '));
    assert.match(err, /bad\.yaml:3:\d+ proxy\.prot: .*did you mean `?port/);
    assert.match(err, /bad\.yaml:4:\d+ admin\.port: found "none"/);
  }
  assert.equal(cli('start', '-c', 'missing.yaml').exit, 2);
  const taken = folder.write(
    'taken.yaml',
    `version: v1\nstorage: { type: memory }\nproxy: { host: 127.0.0.1, port: ${gateway.ports.proxy} }\nadmin: { host: 127.0.0.1, port: 0 }\n`,
  );
  const inUse = cli('start', '-c', taken);
  assert.equal(inUse.exit, 2, inUse.err);
  assert.match(
    inUse.err,
    new RegExp(`taken\\.yaml:3:\\d+ proxy\\.port: cannot listen on 127\\.0\\.0\\.1:${gateway.ports.proxy}: the port is in use`),
  );
});

test('validate checks the entities of the configuration too, and says when all is well', () => {
  const init = (route: string) =>
    `version: v1\nstorage: { type: memory }\nproxy:\n  port: 1\n  init_resources:\n    services: [{ name: s, urls: ["http://a"] }]\n    routes:\n      - ${route}\n`;
  const good = folder.write('good.yaml', init('{ name: r, paths: [/x], methods: [GET], service: s }'));
  assert.deepEqual(cli('validate', 'config', '-c', good), { exit: 0, out: `${good} is valid\n`, err: '' });
  const withModule = folder.write(
    'module.yaml',
    `${init('{ name: r, paths: [/x], methods: [GET], modules: [m] }')}    modules: [{ name: m, payload: x }]\n`,
  );
  assert.match(
    cli('validate', 'config', '-c', withModule).out,
    /module\.yaml is valid\nits modules are compiled and loaded at start only\n$/,
  );
  folder.write('dangling.yaml', init('{ name: r, paths: [/x], methods: [GET], service: nobody }'));
  const dangling = cli('validate', 'config', '-c', 'dangling.yaml');
  assert.equal(dangling.exit, 2);
  assert.match(dangling.err, /dangling\.yaml:8:\d+: .*nobody/);
});
