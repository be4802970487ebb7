import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { SEKISHO_BIN, startGateway } from '../support/gateway.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

const HEAD = 'version: v1\nstorage: { type: memory }\nadmin: { host: 127.0.0.1, port: 0 }\n';
const init = (lines: string): string => `${HEAD}proxy:\n  host: 127.0.0.1\n  port: 0\n  init_resources:\n${lines}`;

let folder: TempFolder;
before(() => {
  folder = createTempFolder();
});
after(() => folder.remove());

/** Starts a gateway that must not start; gives what it said. */
function refused(text: string): string {
  folder.write('c.yaml', text);
  const { status, stderr, stdout } = spawnSync(SEKISHO_BIN, ['start', '-c', 'c.yaml'], {
    cwd: folder.path,
    encoding: 'utf8',
    timeout: 90_000,
  });
  assert.equal(status, 2, `${stdout}${stderr}`);
  assert.doesNotMatch(stdout, /server\.ready/);
  assert.doesNotMatch(stderr, /INTERNAL|node:internal|\.ts:\d+:\d+\)/, 'a stack is no message');
  return stderr;
}

test('what cannot be served is refused with its place: settings', () => {
  folder.write('text.pem', 'no certificate\n');
  const cases: readonly (readonly [string, RegExp])[] = [
    ['storage: { type: memory }\n', /c\.yaml:1:1 version/],
    ['version: v1\n', /storage/],
    ['version: v1\nstorage: { type: file }\n', /c\.yaml:2:\d+ storage\.dir/],
    [`${HEAD}proxy: { enable_h2c: true }\n`, /c\.yaml:4:\d+ proxy\.enable_h2c/],
    [
      `${HEAD}proxy: { tls: { cert_file: text.pem, key_file: text.pem } }\n`,
      /c\.yaml:4:\d+ proxy\.tls\.cert_file: found .*text\.pem.*certificate/,
    ],
    [`${HEAD}proxy: { tls: { cert_file: none.pem, key_file: text.pem } }\n`, /c\.yaml:4:\d+ proxy\.tls\.cert_file: found .*does not exist/],
    [HEAD.replace('127.0.0.1', '0.0.0.0'), /c\.yaml:3:\d+ admin\.host: found "0\.0\.0\.0" without `auth_method`/],
    [HEAD.replace('port: 0', 'port: 0, auth_method: token'), /c\.yaml:3:\d+ admin\.auth_method: found "token".*basic, key, jwt/],
    [HEAD.replace('port: 0', 'port: 0, allow_list: ["1.2.3.4/40"]'), /c\.yaml:3:\d+ admin\.allow_list\[0\]: found "1\.2\.3\.4\/40"/],
    [`${HEAD}tags: ["$(id)"]\n`, /c\.yaml:4:\d+ tags\[0\]: .*allow_shell/],
    [`${HEAD}log_level: loud\n`, /c\.yaml:4:\d+ log_level: found "loud".*debug, info/],
  ];
  for (const [text, want] of cases) assert.match(refused(text), want);
});

test('what cannot be served is refused with its place: entities and their files', () => {
  const cases: readonly (readonly [string, readonly RegExp[]])[] = [
    [
      '    services: [{ name: s, urls: [nonsense] }]\n    routes: [{ name: r, paths: [x], methods: [get] }]\n',
      [
        /c\.yaml:8:\d+ service\/default\/s\/urls\/0: .*scheme/,
        /c\.yaml:9:\d+ route\/default\/r\/paths\/0: /,
        /methods\/0: .*unsupported method: get/,
      ],
    ],
    ['    routes: [{ name: r, paths: [/x], methods: [GET], service: nobody }]\n', [/c\.yaml:8:\d+: service not found: nobody/]],
    [
      '    routes:\n      - { name: a, paths: [/x], methods: [GET] }\n      - { name: b, paths: [/x], methods: ["*"] }\n',
      [/c\.yaml:10:\d+: route "b": multiple handlers for GET at \/x/],
    ],
    [
      '    modules: [{ name: m, payload: "const = 1" }]\n    routes: [{ name: r, paths: [/x], methods: [GET], modules: [m] }]\n',
      [/c\.yaml:9:\d+: route "r": m\.ts:1:7: Expected identifier/],
    ],
    [
      '    modules: [{ name: m, payload: "throw new Error(\'at load\')" }]\n    routes: [{ name: r, paths: [/x], methods: [GET], modules: [m] }]\n',
      [/c\.yaml:9:\d+: route "r": .*at load/],
    ],
    ['    modules: [{ name: m, payload_file: none.ts }]\n', [/c\.yaml:8:\d+ .*payload_file: found .*none\.ts/]],
    ['    collections: [{ name: c, schema: { type: nonsense } }]\n', [/c\.yaml:8:\d+: collection "c": schema/]],
    [
      '    collections: [{ name: c, schema: { type: string } }]\n    documents: [{ id: d, collection: c, data: 5 }]\n',
      [/c\.yaml:9:\d+: the document does not match the schema of c: the document must be string/],
    ],
    ['    domains: [{ name: d, patterns: [a.test], cert: x, key: y }]\n', [/c\.yaml:8:\d+: domain "d": cert: holds no certificate/]],
  ];
  for (const [lines, wants] of cases) {
    const said = refused(init(lines));
    for (const want of wants) assert.match(said, want);
    const told = said.trim().split('\n');
    assert.equal(new Set(told.map((line) => line.slice(-30))).size, told.length, `said twice: ${said}`);
  }
});

test('init_resources: texts are expanded, files are read, everything is served, also without debug and after a restart', async () => {
  await using gateway = await startGateway({
    config: `version: v1
storage: { type: file, dir: data }
admin: { host: 127.0.0.1, port: "\${ADMIN_PORT}" }
proxy:
  host: 127.0.0.1
  port: "\${PROXY_PORT}"
  init_resources:
    namespaces: [{ name: "\${SPACE}" }]
    domains: [{ name: d, namespace: shop, patterns: ["\${NO_SUCH_VARIABLE:-shop.test}"] }]
    modules: [{ name: m, namespace: shop, payload_file: ./m.ts }]
    routes: [{ name: r, namespace: shop, paths: ["/m"], methods: ["\${METHOD}"], modules: [m] }]
    collections: [{ name: c, schema: { type: object } }]
    documents:
      - { id: a, collection: c, data: { n: 1 } }
      - { id: b, collectionname: c, namespacename: default, data: { n: 2 } }
    secrets: [{ name: s, data: "\${TOKEN}" }]
`,
    files: { 'm.ts': 'export const requestHandler = (ctx: any) => ctx.response().send(ctx.namespace().name as string);\n' },
    env: { SPACE: 'shop', METHOD: 'GET', TOKEN: 'canary-5161' },
  });
  for (let start = 1; start <= 2; start += 1) {
    const answer = await ask(`${gateway.proxyUrl}/m`, { headers: { host: 'SHOP.test:80' } });
    assert.deepEqual([answer.status, answer.text], [200, 'shop']);
    const listed = (await gateway.admin('GET', '/api/v1/document?collection=c')).json();
    assert.deepEqual(
      listed.documents.map((document: { id: string; data: unknown }) => [document.id, document.data]),
      [
        ['a', { n: 1 }],
        ['b', { n: 2 }],
      ],
    );
    assert.equal((await gateway.admin('GET', '/api/v1/secret/s')).json().data.data, '**redacted**');
    assert.equal((await gateway.admin('GET', '/changelog')).json().count, 0, 'what the file has is no change');
    await gateway.restart();
  }
  assert.ok(!gateway.log().includes('canary-5161'));
});

test('what the admin API put wins over init_resources, also after a restart', async () => {
  const route = (extra: string): string => `    routes: [{ name: r, paths: ["/x"], methods: [GET]${extra} }]\n`;
  await using gateway = await startGateway({
    config: init(route(''))
      .replace('memory', 'file, dir: data')
      .replaceAll('port: 0', 'port: "${ADMIN_PORT}"')
      .replace('  port: "${ADMIN_PORT}"', '  port: "${PROXY_PORT}"'),
  });
  const status = async (): Promise<number> => (await ask(`${gateway.proxyUrl}/x`)).status;
  assert.equal(await status(), 501);
  assert.equal((await gateway.admin('DELETE', '/api/v1/route', { name: 'r' })).status, 202);
  assert.equal(await status(), 404);
  await gateway.restart();
  assert.equal(await status(), 404, 'a deletion lasts');
  await gateway.put('route', { name: 'r', paths: ['/y'], methods: ['GET'] });
  await gateway.restart();
  assert.equal(await status(), 404);
  assert.equal((await ask(`${gateway.proxyUrl}/y`)).status, 501);
});

test('the configuration may come from the working directory or, as base64, from the environment', () => {
  const bad = `${HEAD}colour: red\n`;
  const run = (cwd: string, env: Readonly<Record<string, string>>): string =>
    spawnSync(SEKISHO_BIN, ['start'], { cwd, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 90_000 }).stderr;
  folder.write('here/config.dgate.yaml', bad);
  mkdirSync(`${folder.path}/empty`);
  assert.match(run(`${folder.path}/here`, {}), /config\.dgate\.yaml:4:1 colour: unknown key/);
  const data = Buffer.from(bad).toString('base64');
  assert.match(run(`${folder.path}/empty`, { DG_CONFIG_DATA: data, DG_CONFIG_TYPE: 'yaml' }), /\$DG_CONFIG_DATA:4:1 colour: unknown key/);
  assert.match(run(`${folder.path}/empty`, {}), /no configuration in .*-c FILE/);
});
