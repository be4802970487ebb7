import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { type LoadedSettings, loadSettings } from './load-settings.ts';

const TESTDATA = join(import.meta.dirname, 'testdata');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-config-'));
after(() => rmSync(folder, { recursive: true }));

/** Everything a user is told about a configuration, with the folder of the test left out. */
function told(loadIt: () => LoadedSettings): string {
  let lines: readonly string[];
  try {
    lines = ['accepted', ...loadIt().warnings];
  } catch (error) {
    assert.ok(error instanceof SekishoError, String(error));
    lines = [`${error.code}: ${error.message}`, ...error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)];
  }
  return `${lines.join('\n').replaceAll(TESTDATA, 'TESTDATA')}\n`;
}

function load(yaml: string, env: NodeJS.ProcessEnv = {}): LoadedSettings {
  writeFileSync(join(folder, 'sekisho.yaml'), yaml);
  return loadSettings({ env, cwd: folder });
}

const BASE = 'version: v1\nstorage: { type: memory }\n';

// UPDATE=1 writes the golden files anew; read the diff before it is committed.
for (const file of readdirSync(TESTDATA).filter((name) => name.endsWith('.yaml'))) {
  test(`testdata/${file} is answered as in its .txt`, () => {
    const golden = join(TESTDATA, file.replace('.yaml', '.txt'));
    const text = told(() => loadSettings({ path: file, env: {}, cwd: TESTDATA }));
    if (process.env['UPDATE']) writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, 'utf8'));
  });
}

test('a minimal configuration has every default', () => {
  const { settings, warnings, path } = load(BASE);
  assert.deepEqual(warnings, []);
  assert.equal(path, join(folder, 'sekisho.yaml'));
  assert.equal(settings.proxy.port, 80);
  assert.equal(settings.proxy.limits.headerTimeoutMs, 10_000);
  assert.equal(settings.proxy.limits.requestTimeoutMs, 3_600_000);
  assert.equal(settings.proxy.clientTransport.maxConnsPerHost, 256);
  assert.equal(settings.proxy.consoleLogLevel, 'info');
  assert.equal(settings.modules.heapLimitBytes, 64 * 2 ** 20);
  assert.equal(settings.admin, undefined);
  assert.equal(settings.proxy.tls, undefined);
  assert.equal(settings.proxy.initResources, undefined);
});

test('0 stands for the default where DGate means "no limit" and a bound is needed', () => {
  const { clientTransport } = load(
    `${BASE}proxy: { client_transport: { max_conns_per_host: 0, dial_timeout: 0s, idle_conn_timeout: 0, response_header_timeout: 0 } }`,
  ).settings.proxy;
  assert.equal(clientTransport.maxConnsPerHost, 256);
  assert.equal(clientTransport.dialTimeoutMs, 5000);
  assert.equal(clientTransport.idleConnTimeoutMs, 55_000);
  assert.equal(clientTransport.responseHeaderTimeoutMs, 0);
});

test('expanded values take the type of their key', () => {
  const env = { PORT: '18080', ON: 'true', NAME: 'n', SIZE: '2MiB', WAIT: '1m30s', EMPTY: '' };
  const { settings } = load(
    `${BASE}debug: "\${ON}"
tags: [ "\${NAME}" ]
shutdown_grace: \${WAIT}
proxy:
  port: \${PORT}
  global_headers: { X-A: "\${EMPTY:-fall back}", X-B: "$NAME \${NAME:x} $" }
  limits: { max_header_bytes: 1MiB }
  client_transport: { max_response_header_bytes: "\${SIZE}" }
test_server: { port: "\${TEST_PORT:-18888}" }`,
    env,
  );
  assert.equal(settings.debug, true);
  assert.deepEqual(settings.tags, ['n']);
  assert.equal(settings.shutdownGraceMs, 90_000);
  assert.equal(settings.proxy.port, 18_080);
  assert.deepEqual(settings.proxy.globalHeaders, { 'X-A': 'fall back', 'X-B': '$NAME ${NAME:x} $' });
  assert.equal(settings.proxy.limits.maxHeaderBytes, 1_048_576);
  assert.equal(settings.proxy.clientTransport.maxResponseHeaderBytes, 2_097_152);
  assert.equal(settings.testServer?.port, 18_888);
});

test('commands run with allow_shell, before variables; both can be switched off', () => {
  const yaml = `${BASE}allow_shell: true\ntags: [ "$(echo ' a $X ')-$(echo $(echo b))", "\${X}" ]`;
  assert.deepEqual(load(yaml, { X: 'x', PATH: process.env['PATH'] }).settings.tags, ['a $X-b', 'x']);
  assert.deepEqual(load(yaml, { X: 'x', DG_DISABLE_SHELL_PARSER: 'yes' }).settings.tags, ["$(echo ' a $X ')-$(echo $(echo b))", 'x']);
  assert.equal(load(`${BASE}tags: [ "\${X}" ]`, { X: 'x', DG_DISABLE_ENV_PARSER: '1' }).settings.tags[0], '${X}');
});

test('texts keep what YAML takes for something else', () => {
  const { settings } = load('version: 1.10\nstorage: { type: memory }\ntags: [ 007, 1.0, true, no, 12345678901234567890 ]\n');
  assert.equal(settings.version, '1.10');
  assert.deepEqual(settings.tags, ['007', '1.0', 'true', 'no', '12345678901234567890']);
});

test('aliases and merge keys work', () => {
  const { settings } = load(`${BASE}proxy: &p { port: 1, host: a }\ntest_server: { <<: { port: 5, host: b }, host: c }\n`);
  assert.deepEqual([settings.testServer?.port, settings.testServer?.host], [5, 'c']);
});

test('names of object members are ordinary names', () => {
  const { settings } = load(`${BASE}proxy: { global_headers: { __proto__: a, constructor: b } }`);
  assert.deepEqual(Object.entries(settings.proxy.globalHeaders), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('node_id: the configuration wins over DGATE_NODE_ID over HOST', () => {
  const env = { DGATE_NODE_ID: 'b', HOST: 'c' };
  assert.equal(load(`${BASE}node_id: a`, env).settings.nodeId, 'a');
  assert.equal(load(BASE, env).settings.nodeId, 'b');
  assert.equal(load(BASE, { HOST: 'c' }).settings.nodeId, 'c');
});

test('keys of the admin API come together, whichever way they are written', () => {
  const keyAuth = load(`${BASE}admin: { port: 1, auth_method: key, key_auth: { key: a, keys: [ b, a ] } }`).settings.admin?.keyAuth;
  assert.deepEqual(keyAuth?.keys, ['b', 'a']);
  writeFileSync(join(folder, 'secret'), 'from file\n');
  const jwtAuth = load(`${BASE}admin: { host: 0.0.0.0, port: 1, auth_method: jwt, jwt_auth: { algorithm: hs256, secret_file: secret } }`)
    .settings.admin?.jwtAuth;
  assert.equal(jwtAuth?.key, 'from file');
  assert.equal(jwtAuth?.algorithm, 'HS256');
  const pem = readFileSync(join(TESTDATA, 'tls/server.pub'), 'utf8');
  const es = load(
    `${BASE}admin: { port: 1, auth_method: jwt, jwt_auth: { algorithm: ES256, public_key_file: ${join(TESTDATA, 'tls/server.pub')} } }`,
  );
  assert.equal(es.settings.admin?.jwtAuth?.publicKey, pem.trimEnd());
});

test('paths: files beside the configuration or in the working directory, new folders beside the configuration', () => {
  const yaml = `version: v1\nstorage: { type: file, dir: state }\nproxy: { tls: { cert_file: tls/server.crt, key_file: ./tls/server.key } }\n`;
  writeFileSync(join(folder, 'c.yaml'), yaml);
  const { settings } = loadSettings({ path: join(folder, 'c.yaml'), env: {}, cwd: TESTDATA });
  assert.equal(settings.storage.dir, join(folder, 'state'));
  assert.deepEqual(settings.proxy.tls, {
    port: 443,
    certFile: join(TESTDATA, 'tls/server.crt'),
    keyFile: join(TESTDATA, 'tls/server.key'),
  });
});

test('addresses of etcd have a host and a port, and nothing else', () => {
  const addresses = ['127.0.0.1:2379', 'etcd.example.com', 'https://10.0.0.1:2379', 'http://[::1]:2379/'];
  assert.deepEqual(load(`${BASE}etcd: ${JSON.stringify(addresses)}`).settings.etcd, addresses);
  for (const wrong of ['ftp://a', 'http://a:1/path', 'http://u:p@a', 'a?x', 'http://'])
    assert.throws(
      () => load(`${BASE}etcd: ["${wrong}"]`),
      (error: SekishoError) => /expected an address such as http:\/\/10\.0\.0\.2:2379/.test(error.errors[0]?.detail ?? ''),
      wrong,
    );
});

test('watched keys and events that never meet are told, with the slash that is wrong', () => {
  const warnings = (keys: readonly string[], events: readonly string[]) =>
    load(`${BASE}etcd: [a]\nwatch: ${JSON.stringify({ keys, events })}`).warnings.map((line) => line.replace(/^\S+ /, ''));
  assert.deepEqual(warnings(['/jobs/', '/other'], ['jobs', 'other/x', 'jobs/y']), []);
  assert.deepEqual(warnings(['jobs'], ['jobs']), [
    'watch.keys[0]: runs nothing: no entry of watch.events is about keys such as "jobs"; keys begin with a slash, as in "/jobs"',
    'watch.events[0]: never runs: no entry of watch.keys has keys that begin with "/jobs"',
  ]);
  assert.deepEqual(warnings(['/jobs'], ['/jobs']), [
    'watch.keys[0]: runs nothing: no entry of watch.events is about keys such as "/jobs"',
    'watch.events[0]: never runs: no entry of watch.keys has keys that begin with "//jobs"; it stands without its first slash, as in "jobs"',
  ]);
});
