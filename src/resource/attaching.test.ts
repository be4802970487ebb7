import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type AttachRule, attachOracle, type Refer, TARGETS } from '../../test/support/attach-oracle.ts';
import { schemasOf } from '../../test/support/databases.ts';
import { property, schema } from '../../test/support/models.ts';
import { identityOf, policySource } from '../../test/support/policy-fixtures.ts';
import { askApi } from '../../test/support/resource-api.ts';
import type { Identity } from '../lib/identity.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySource, SchemaSet } from '../schema/types.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { createResourceApi, type ResourceApi } from './api.ts';

const OWNERS = [property('tenant_id', '[string, "null"]'), property('domain_id', '[string, "null"]')];
const REFERENCE = 'type: [string, "null"], relation: target';
const SCHEMAS = [
  'schemas:',
  schema('target', [...OWNERS, property('state', '[string, "null"]'), property('level', '[integer, "null"]')]),
  schema('plug', [
    ...OWNERS,
    property('one_id', '[string, "null"]', 'relation: target'),
    property('box', '[object, "null"]', `properties: {in_id: {${REFERENCE}}, deep: {type: object, properties: {in_id: {${REFERENCE}}}}}`),
    property('boxes', '[array, "null"]', `items: {type: object, properties: {in_id: {${REFERENCE}}}}`),
    property('many', '[array, "null"]', 'items: {type: string, relation: target}'),
    property('note', '[string, "null"]'),
  ]),
].join('\n');

let database: Database;
let schemas: SchemaSet;

before(async () => {
  schemas = schemasOf(SCHEMAS);
  database = await openDatabase({ type: 'sqlite3', connection: ':memory:', maxOpenConnections: 1, retry: { count: 0, intervalMs: 1 } });
  await database.prepare(schemas, { autoMigrate: true, cascadeDelete: false });
  const type = schemas.resources.get('target');
  assert.ok(type);
  await database.transaction(
    async (session) => {
      for (const row of TARGETS) await session.insert(type, { ...row });
    },
    { isolation: 'SERIALIZABLE' },
  );
});
after(() => database.close());

const open = policySource({ id: 'open', action: '*', path: '^/t/plugs' });

function serve(rules: readonly AttachRule[], who: Identity): ResourceApi {
  const policies: PolicySource[] = [
    open,
    ...rules.map(({ effect, relation, condition }, index) =>
      policySource({
        id: `attach-${index}`,
        action: '__attach__',
        path: '^/t/plugs',
        effect,
        relationProperty: relation,
        targetCondition: condition,
      }),
    ),
  ];
  return createResourceApi({
    schemas: { ...schemas, policies },
    policies: compilePolicies(policies, { tenants: [{ id: 't3', name: 'dev-three' }] }),
    identifier: { identify: () => Promise.resolve(who) },
    hasFakeLogin: false,
    database,
    cors: '',
    about: { version: '1', appVersion: '1' },
    secret: 'test',
    limits: { maxBodyBytes: 10_000, maxPageSize: 100, exactCountLimit: 1000 },
  });
}

const condition = fc.constantFrom<unknown>(
  'is_owner',
  'is_domain_owner',
  'skip_tenant_domain_check',
  'skip_tenant_domain_check',
  { and: ['same_tenancy'] },
  { or: ['is_owner', { match: { property: 'state', type: 'eq', value: 'open' } }] },
  { and: [{ match: { property: 'level', type: 'neq', value: [2, 3] } }] },
  { type: 'property', match: { state: ['open', 'shut'] } },
  { type: 'property', action: '__attach__', match: { level: [1, 2] } },
  { type: 'property', action: 'read', match: { state: 'none at all' } },
  { type: 'belongs_to', tenant_id: 't2' },
  { type: 'belongs_to', tenant_name: '^dev-' },
  { type: 'belongs_to', action: 'update', tenant_id: '.*' },
);
const rule: fc.Arbitrary<AttachRule> = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
  relation: fc.constantFrom(
    '*',
    'one_id',
    'box.in_id',
    'box.deep.in_id',
    'boxes.[].in_id',
    'boxes.in_id',
    'many',
    'many.[]',
    'box',
    'nowhere',
  ),
  condition: fc.array(condition, { maxLength: 3 }),
});
const id = fc.constantFrom(...TARGETS.map((target) => target.id), ...TARGETS.map((target) => target.id), null, '', 'gone');
const known = fc.constantFrom(...TARGETS.map((target) => target.id), null);
const refer: fc.Arbitrary<Refer> = fc.record(
  {
    one_id: known,
    box: fc.option(fc.record({ in_id: id, deep: fc.record({ in_id: id }, { requiredKeys: [] }) }, { requiredKeys: [] })),
    boxes: fc.option(fc.array(fc.record({ in_id: id }, { requiredKeys: [] }), { maxLength: 3 })),
    many: fc.option(fc.array(fc.constantFrom(...TARGETS.map((target) => target.id), 'gone', ''), { maxLength: 3 })),
    note: fc.constant('text'),
  },
  { requiredKeys: [] },
);
const owner = fc.record({ tenant_id: fc.constantFrom('t1', 't2', 't3'), domain_id: fc.constantFrom('d1', 'd2') }, { requiredKeys: [] });
const identity = fc
  .record({
    tenantId: fc.constantFrom('t1', 't2'),
    domainId: fc.constantFrom('d1', 'd2'),
    scope: fc.constantFrom<Identity['scope']>('tenant', 'tenant', 'tenant', 'admin'),
  })
  .map(identityOf);

let count = 0;

test('references are accepted and refused as a naive oracle says, on create and on update, wherever they stand', async () => {
  const outcomes = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(rule, { maxLength: 3 }), identity, owner, refer, refer, async (rules, who, owners, first, second) => {
      const api = serve(rules, who);
      const stored = { tenant_id: who.tenantId, domain_id: who.domainId, ...owners };
      count += 1;
      const plug = `p${count}`;
      for (const [step, path, body] of [
        ['POST', '/t/plugs', first],
        ['PUT', `/t/plugs/${plug}`, second],
        ['PATCH', `/t/plugs/${plug}`, first],
      ] as const) {
        const wanted = attachOracle(rules, who, stored, body);
        const { status, body: text } = await askApi(api, step, path, step === 'POST' ? { id: plug, ...owners, ...body } : body);
        const told = `${step} ${JSON.stringify(body)} of ${JSON.stringify(stored)} by ${JSON.stringify(who)}: ${text}\n${JSON.stringify(rules)}`;
        if (wanted === undefined) assert.ok(status < 300, told);
        else
          assert.deepEqual(
            [status, wanted.includes(JSON.parse(text).errors?.[0]?.pointer)],
            [400, true],
            `${told}\nexpected ${wanted.join()}`,
          );
        outcomes[wanted === undefined ? 'accepted' : 'refused'] += 1;
        if (step === 'POST' && wanted !== undefined) break;
      }
      await api.close();
    }),
    { numRuns: 3000 },
  );
  assert.ok(outcomes.accepted > 1000 && outcomes.refused > 1000, JSON.stringify(outcomes));
});
