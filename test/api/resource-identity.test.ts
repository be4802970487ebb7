import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { type Answer, ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { SERVICE_USER, startKeystone } from '../support/keystone-server.ts';
import { property, schema } from '../support/models.ts';

const SCHEMAS = [
  'policies:',
  "- {id: note_member, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/notes.*'}}",
  'schemas:',
  schema('note', [property('text', 'string'), property('tenant_id', '[string, "null"]')]),
].join('\n');

const FILES = { 'schemas.yaml': SCHEMAS };
const MODELS = { log_level: 'warn', database: { connection: './data.db' }, schemas: ['./schemas.yaml'] };

function notes(gateway: Gateway, headers: Record<string, string>, method = 'GET', body?: unknown): Promise<Answer> {
  return ask(`${gateway.proxyUrl}/t/notes`, { method, headers, body });
}

const reasonOf = (answer: Answer): unknown => [answer.status, answer.json().reason];

test('JSON Web Tokens: issuer, audience, claims and roles of the configuration', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwt = {
    issuer: ['https://issuer.test'],
    audience: ['notes'],
    keys: [{ algorithm: 'ES256', key: publicKey.export({ type: 'spki', format: 'pem' }) }],
    claims: { roles: 'realm.roles', tenant_id: 'team' },
    role_map: { writer: 'Member', boss: 'admin' },
    admin_roles: ['admin'],
  };
  await using gateway = await startGateway({ config: { ...MODELS, identity: { jwt: [jwt] } }, files: FILES });
  const sign = (roles: readonly string[], team: string, audience = 'notes', life = '5m') =>
    new SignJWT({ realm: { roles }, team })
      .setProtectedHeader({ alg: 'ES256' })
      .setSubject('someone')
      .setIssuer('https://issuer.test')
      .setAudience(audience)
      .setExpirationTime(life)
      .sign(privateKey);
  const bearer = async (...claims: Parameters<typeof sign>) => ({ authorization: `Bearer ${await sign(...claims)}` });

  const red = await bearer(['writer'], 'red');
  assert.equal((await notes(gateway, red, 'POST', { id: 'r', text: 'red' })).json().note.tenant_id, 'red');
  assert.equal((await notes(gateway, { 'x-auth-token': await sign(['writer'], 'blue') })).headers['x-total-count'], '0');
  assert.equal((await notes(gateway, await bearer(['boss'], 'any'))).headers['x-total-count'], '1');
  assert.equal((await notes(gateway, await bearer(['reader'], 'red'))).status, 403);
  assert.deepEqual(reasonOf(await notes(gateway, await bearer(['writer'], 'red', 'others'))), [401, 'wrong_audience']);
  assert.deepEqual(reasonOf(await notes(gateway, await bearer(['writer'], 'red', 'notes', '-1m'))), [401, 'expired']);
  assert.deepEqual(reasonOf(await notes(gateway, {})), [401, 'missing']);
});

test('Keystone: projects, roles, revocation and an unreachable service', async () => {
  await using keystone = await startKeystone();
  const { userName, password, domainName, tenantName } = SERVICE_USER;
  const settings = {
    auth_url: keystone.url,
    user_name: userName,
    password,
    domain_name: domainName,
    tenant_name: tenantName,
    use_auth_cache: false,
  };
  await using gateway = await startGateway({ config: { ...MODELS, keystone: settings }, files: FILES });
  const project = (id: string) => ({ project: { id, name: id, domain: { id: 'default', name: 'Default' } } });
  const member = keystone.issueToken(project('p1'), ['Member']);
  const made = await notes(gateway, { 'x-auth-token': member }, 'POST', { id: 'k', text: 'x' });
  assert.deepEqual([made.status, made.json().note?.tenant_id], [201, 'p1'], made.text);
  assert.equal((await notes(gateway, { 'x-auth-token': keystone.issueToken(project('p2'), ['Member']) })).headers['x-total-count'], '0');
  assert.equal((await notes(gateway, { 'x-auth-token': keystone.issueToken(project('p1'), ['other']) })).status, 403);
  assert.equal((await notes(gateway, { 'x-auth-token': 'unknown' })).status, 401);
  keystone.revoke(member);
  assert.equal((await notes(gateway, { 'x-auth-token': member })).status, 401);
  keystone.breakWith(500);
  const down = await notes(gateway, { 'x-auth-token': keystone.issueToken(project('p1'), ['Member']) });
  assert.deepEqual([down.status, down.json().code, down.headers['retry-after']], [503, 'IDENTITY_UNAVAILABLE', '1']);
});

test('a configuration that tells nobody who calls is refused with its place', async () => {
  await assert.rejects(startGateway({ config: MODELS, files: FILES }), /tells nobody who calls/);
});
