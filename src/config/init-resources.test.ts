import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { InitResources } from './init-resources.ts';
import { loadSettings } from './load-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-init-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'beside'));

function load(init: string, env: NodeJS.ProcessEnv = {}): InitResources {
  writeFileSync(
    join(folder, 'beside/c.yaml'),
    `version: v1\nstorage: { type: memory }\nproxy:\n  init_resources:\n${init.replace(/^/gm, '    ')}\n`,
  );
  const { settings } = loadSettings({ path: 'beside/c.yaml', env, cwd: folder });
  assert.ok(settings.proxy.initResources);
  return settings.proxy.initResources;
}

const source = (init: InitResources, name: string): string => {
  const change = init.changes.find(
    ({ op, kind, ...rest }) => op === 'put' && kind === 'module' && 'entity' in rest && rest.entity.name === name,
  );
  assert.ok(change?.op === 'put' && change.kind === 'module');
  return Buffer.from(change.entity.payload, 'base64').toString();
};

test('entities come in the order of their references, with defaults and places', () => {
  const init = load(
    `routes: [ { name: r, paths: [ /a ], methods: [ GET ], service: s, modules: [ m ], stripPath: true } ]
services: [ { name: s, urls: [ "http://\${HOST}" ], retryTimeout: 50ms, tags: [ t ] } ]
modules: [ { name: m, payload: "x" } ]
collections: [ { name: c, schema: { type: object, title: "\${HOST}" } } ]
domains:
  - { name: d, namespace: n, patterns: [ "*.test" ] }
namespaces: [ { name: n } ]`,
    { HOST: 'h' },
  );
  assert.deepEqual(
    init.changes.map(({ kind }) => kind),
    ['namespace', 'module', 'service', 'collection', 'domain', 'route'],
  );
  assert.deepEqual(init.changes.slice(2), [
    {
      op: 'put',
      kind: 'service',
      entity: {
        name: 's',
        namespace: 'default',
        urls: ['http://h'],
        retries: 3,
        retryTimeout: '50ms',
        connectTimeout: 0,
        requestTimeout: 0,
        tlsSkipVerify: false,
        http2Only: false,
        hideDGateHeaders: false,
        disableQueryParams: false,
        tags: ['t'],
      },
    },
    {
      op: 'put',
      kind: 'collection',
      entity: { name: 'c', namespace: 'default', schema: { type: 'object', title: 'h' }, visibility: 'public', type: 'document' },
    },
    { op: 'put', kind: 'domain', entity: { name: 'd', namespace: 'n', patterns: ['*.test'], priority: 0 } },
    {
      op: 'put',
      kind: 'route',
      entity: {
        name: 'r',
        namespace: 'default',
        paths: ['/a'],
        methods: ['GET'],
        preserveHost: false,
        stripPath: true,
        service: 's',
        modules: ['m'],
      },
    },
  ]);
  assert.deepEqual(Object.fromEntries(init.places), {
    'namespace/n': 'beside/c.yaml:11:19',
    'module/default/m': 'beside/c.yaml:7:16',
    'service/default/s': 'beside/c.yaml:6:17',
    'collection/default/c': 'beside/c.yaml:8:20',
    'domain/n/d': 'beside/c.yaml:10:9',
    'route/default/r': 'beside/c.yaml:5:15',
  });
});

test('payload is plain source: base64 afterwards, nothing expanded', () => {
  const text = 'const a = `${HOME}`; // $(ls)';
  assert.equal(source(load(`modules: [ { name: m, payload: "${text}" } ]`, { HOME: '/h' }), 'm'), text);
});

test('payload_file is looked for beside the configuration, then in the working directory', () => {
  writeFileSync(join(folder, 'both.ts'), 'far');
  writeFileSync(join(folder, 'beside/both.ts'), 'near');
  writeFileSync(join(folder, 'far.ts'), 'far');
  const init = load(
    'modules: [ { name: a, payload_file: both.ts }, { name: b, payload_file: "./${FAR}.ts" }, { name: c, payload_file: far.ts } ]',
    { FAR: 'far' },
  );
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => source(init, name)),
    ['near', 'far', 'far'],
  );
  assert.deepEqual(Object.fromEntries(init.files), {
    [join(folder, 'beside/both.ts')]: ['module/default/a'],
    [join(folder, 'far.ts')]: ['module/default/b', 'module/default/c'],
  });
});

test('certificates of domains may be files or texts', () => {
  const tls = join(import.meta.dirname, 'testdata/tls');
  const init = load(`domains: [ { name: d, patterns: [ d.test ], cert_file: ${tls}/server.crt, key: "\${KEY}" } ]`, { KEY: 'pem' });
  const [change] = init.changes;
  assert.ok(change?.op === 'put' && change.kind === 'domain');
  assert.deepEqual([change.entity.cert, change.entity.key], [readFileSync(`${tls}/server.crt`, 'utf8'), 'pem']);
  assert.deepEqual([...init.files], [[`${tls}/server.crt`, ['domain/default/d']]]);
});

test("documents and secrets take DGate's accidental names too", () => {
  const init = load(
    `documents:
  - { id: a, namespacename: n, collectionname: c, data: { n: "\${X}", list: [ "\${X}", 2, null ] } }
  - { id: b, namespace: n, collection: c, data: null, createdat: 2020-01-01 }
secrets: [ { name: s, namespacename: n, data: "\${X}" } ]`,
    { X: '1' },
  );
  assert.deepEqual(init.documents, [
    { namespace: 'n', collection: 'c', id: 'a', data: { n: '1', list: ['1', 2, null] } },
    { namespace: 'n', collection: 'c', id: 'b', data: null },
  ]);
  assert.deepEqual(init.changes, [{ op: 'put', kind: 'secret', entity: { name: 's', namespace: 'n', data: '1' } }]);
  assert.equal(init.places.get('document/n/c/b'), 'beside/c.yaml:7:9');
});
