import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { createTempFolder } from '../support/temp.ts';

/** What of the example can be checked without systemd running and without a container engine. */
const FOLDER = join(REPOSITORY, 'examples/fleet');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

/** `NAME=value` lines. */
function parseEnvironment(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/^([A-Z_0-9]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

/** Variables of the configuration that have no default. */
const NEEDED = [...new Set([...read('sekisho.yaml').matchAll(/\$\{([A-Z_0-9]+)\}/g)].map(([, name = '']) => name))];

/** Reads the configuration as a node would, with its paths in a folder of the test. */
function settingsFor(t: { after(done: () => void): void }, env: Readonly<Record<string, string>>) {
  const folder = createTempFolder();
  t.after(() => folder.remove());
  mkdirSync(join(folder.path, 'state'));
  const key = folder.write('fleet.key', Buffer.alloc(32, 7).toString('base64'));
  return loadSettings({
    path: join(FOLDER, 'sekisho.yaml'),
    cwd: folder.path,
    env: { ...env, KEY_FILE: key, STATE_DIR: join(folder.path, 'state') },
  }).settings;
}

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly secrets?: readonly { readonly source: string; readonly target: string }[];
}

const compose = parse(read('container/compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, unknown>>;
};

function serviceOf(name: string): Service {
  const service = compose.services[name];
  assert.ok(service, name);
  return service;
}

test('the environment of the units is all that the configuration needs', (t) => {
  const env = parseEnvironment(read('systemd/node.env'));
  for (const name of NEEDED) assert.ok(name === 'STATE_DIR' || name in env, `${name} is not in node.env`);
  const settings = settingsFor(t, env);
  assert.equal(settings.nodeId, 'node-1');
  assert.deepEqual(settings.storage.endpoints, [env['ETCD_1'], env['ETCD_2'], env['ETCD_3']]);
  assert.equal(settings.admin?.advertise, 'http://10.0.0.1:9080');
});

test('the units use only variables that the environment has', () => {
  const env = parseEnvironment(read('systemd/node.env'));
  for (const unit of ['sekisho.service', 'etcd.service'])
    for (const [, name = ''] of read(`systemd/${unit}`).matchAll(/^[^#\n]*\$\{([A-Z_0-9]+)\}/gm))
      assert.ok(name in env, `${unit}: ${name}`);
  assert.match(read('systemd/sekisho.service'), /^PIDFile=\/var\/lib\/sekisho\/sekisho.pid$/m);
});

test('systemd takes the units', (t) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.skip('there is no systemd-analyze');
  for (const unit of ['sekisho.service', 'etcd.service']) {
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(FOLDER, 'systemd', unit)], { encoding: 'utf8' });
    // The program is not installed there on this machine.
    const complaints = stderr.split('\n').filter((line) => line.startsWith(unit) && !line.includes('is not executable'));
    assert.deepEqual(complaints, []);
  }
});

test('what the image copies is there', () => {
  const text = read('container/Dockerfile');
  for (const [, list = ''] of text.matchAll(/^COPY (.+)$/gm)) {
    for (const source of list.split(' ').slice(0, -1)) assert.ok(existsSync(join(REPOSITORY, source)), source);
  }
  const [, config = ''] = /CMD \["start", "-c", "([^"]+)"\]/.exec(text) ?? [];
  assert.ok(existsSync(join(REPOSITORY, config)), config);
  const { workspaces, engines } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  for (const workspace of workspaces) assert.match(text, new RegExp(`COPY ${workspace}/package.json`));
  assert.match(text, new RegExp(`FROM node:${engines.node.replace(/\D/g, '')}-`));
  // Files that the sources of the image import.
  assert.match(text, /COPY package.json/);
});

test('every name in the compose file leads somewhere', () => {
  const { services, volumes, secrets } = compose;
  for (const [name, service] of Object.entries(services)) {
    for (const other of service.depends_on ?? []) assert.ok(other in services, `${name}: ${other}`);
    for (const volume of service.volumes ?? []) assert.ok((volume.split(':')[0] ?? '') in volumes, `${name}: ${volume}`);
    for (const { source } of service.secrets ?? []) assert.ok(source in secrets, `${name}: ${source}`);
    if (service.build === undefined) continue;
    assert.equal(resolve(FOLDER, 'container', service.build.context), resolve(REPOSITORY));
    assert.ok(existsSync(join(REPOSITORY, service.build.dockerfile)));
  }
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':').at(-2)));
  assert.equal(new Set(published).size, published.length, 'a port is published twice');
});

test('every node of the compose file has a configuration that is right', (t) => {
  const image = Object.fromEntries(
    [...read('container/Dockerfile').matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const seen = new Set<string>();
  for (const name of ['node-1', 'node-2', 'node-3']) {
    const { environment, ports = [], secrets: [secret] = [] } = serviceOf(name);
    for (const variable of NEEDED) assert.ok(variable in environment || variable in image, `${name}: ${variable}`);
    const settings = settingsFor(t, { ...image, ...environment, ADMIN_KEY: 'key', API_KEY_SHA256: '0'.repeat(64) });
    seen.add(settings.nodeId);
    assert.equal(settings.admin?.advertise, `http://${name}:9080`);
    assert.deepEqual(
      ports.map((port) => Number(port.split(':').at(-1))),
      [settings.proxy.port, settings.admin?.port],
    );
    for (const endpoint of settings.storage.endpoints) {
      const etcd = compose.services[new URL(endpoint).hostname];
      assert.equal(etcd?.environment['ETCD_ADVERTISE_CLIENT_URLS'], endpoint);
      assert.ok(etcd.environment['ETCD_INITIAL_CLUSTER']?.includes(etcd.environment['ETCD_INITIAL_ADVERTISE_PEER_URLS'] ?? 'none'));
    }
    assert.ok(new URL(environment['DATABASE_URL'] ?? '').hostname in compose.services);
    assert.equal(environment['KEY_FILE'], `/run/secrets/${secret?.target}`);
  }
  assert.equal(seen.size, 3);
});
