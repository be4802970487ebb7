import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { loadSettings } from './load-settings.ts';
import { redact } from './redact.ts';

const YAML = `version: v1
storage: { type: memory, encryption_key: CANARYCANARYCANARYCANARYCANARYCANARYCANARYC }
admin:
  port: 1
  auth_method: basic
  basic_auth: { users: [ { username: ann, password: CANARY } ] }
  key_auth: { key: CANARY, keys: [ CANARY-2 ] }
  jwt_auth: { algorithm: HS256, secret: CANARY }
proxy:
  init_resources:
    secrets: [ { name: s, data: CANARY } ]
    domains: [ { name: d, patterns: [ a ], cert: CANARY, key: CANARY } ]
    documents: [ { id: a, collection: c, data: CANARY } ]
`;

test('no secret is printed', () => {
  const env = { DG_CONFIG_DATA: Buffer.from(YAML).toString('base64'), DG_CONFIG_TYPE: 'yaml' };
  const { settings } = loadSettings({ env, cwd: tmpdir() });
  const printed = JSON.stringify(redact(settings));
  assert.ok(JSON.stringify(settings).includes('CANARY'));
  assert.ok(!printed.includes('CANARY'), printed);
  assert.ok(printed.includes('"basicAuth":{"users":[{"username":"ann","password":"***"}]}'), printed);
  assert.ok(printed.includes('"initResources":{"entities":["secret/s","domain/d"],"documents":1}'), printed);
  assert.ok(printed.includes('"headerTimeoutMs":10000'));
});
