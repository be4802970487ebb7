import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { identityOf, policySource, resourceType } from '../../test/support/policy-fixtures.ts';
import {
  acceptsCreate,
  acceptsOwner,
  acceptsUpdate,
  chosenPolicy,
  isVisible,
  keepsProperties,
  reaches,
  TENANTS,
} from '../../test/support/policy-oracle.ts';
import type { Identity } from '../lib/identity.ts';
import { allOf } from '../schema/filter.ts';
import type { PolicySource } from '../schema/types.ts';
import { evaluateFilter } from './evaluate.ts';
import { compilePolicies } from './policy-set.ts';

const TYPE = resourceType('ticket', { id: 'string', tenant_id: 'string', domain_id: 'string', state: 'string', level: 'integer' });
const ACTIONS = ['create', 'read', 'update', 'delete', 'approve'];
const PATHS = ['/c/tickets', '/c/tickets/1', '/c/books', '/c/books/tickets'];
const RUNS = 50_000;

const state = fc.constantFrom('UP', 'DOWN', 'X');
const level = fc.constantFrom(1, 2, 3);
const properties = fc.subarray(['id', 'tenant_id', 'domain_id', 'state', 'level']);
const tenant = fc.constantFrom('t1', 't2', 't3');

const row = fc.record(
  {
    id: fc.constantFrom('1', '2'),
    tenant_id: fc.option(tenant),
    domain_id: fc.option(fc.constantFrom('d1', 'd2')),
    state: fc.option(state),
    level: fc.option(level),
  },
  { requiredKeys: [] },
);

const match = fc.oneof(
  fc.record({
    property: fc.constant('state'),
    value: fc.oneof(state, fc.constant(null), fc.array(fc.oneof(state, fc.constant(null), level), { maxLength: 3 })),
  }),
  fc.record({
    property: fc.constantFrom('level', 'nowhere'),
    value: fc.oneof(level, state, fc.array(fc.oneof(level, fc.constant(null)), { maxLength: 3 })),
  }),
);
const leaf = fc.oneof(
  fc.constantFrom('is_owner', 'is_domain_owner'),
  fc.tuple(match, fc.constantFrom('eq', 'neq')).map(([fields, type]) => ({ match: { ...fields, type } })),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.array(leaf, { minLength: 1, maxLength: 3 }).map((and) => ({ and })),
    fc.array(fc.oneof(leaf, tie('tree')), { minLength: 1, maxLength: 3 }).map((or) => ({ or })),
    fc.array(fc.oneof(leaf, tie('tree')), { minLength: 1, maxLength: 3 }).map((and) => ({ and })),
  ),
}));
const rule = fc.oneof(
  state,
  fc.constant(null),
  fc.array(fc.oneof(state, fc.constant(null)), { maxLength: 3 }),
  fc.dictionary(state, fc.oneof(state, fc.array(state, { maxLength: 2 })), { noNullPrototype: true, maxKeys: 2 }),
);
const numericRule = fc.oneof(
  level,
  fc.array(level, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('1', '2'), level, { noNullPrototype: true, maxKeys: 2 }),
);
const propertyCondition = fc.record(
  {
    type: fc.constant('property'),
    action: fc.constantFrom(...ACTIONS),
    match: fc.oneof(
      fc.record({ state: rule }),
      fc.record({ level: numericRule }),
      fc.record({ state: rule, level: numericRule }),
      fc.record({ nowhere: state }),
    ),
  },
  { requiredKeys: ['type', 'match'] },
);
const belongsTo = fc
  .record({
    whom: fc.oneof(
      fc.constantFrom('t1', 't2', 't3', 't1|t3', '^t[12]$', '^t', '.*', 'nobody').map((tenant_id) => ({ tenant_id })),
      fc.constantFrom('ops', '^dev-', 'two$', '.*', 'nobody', '^dev-one$|ops').map((tenant_name) => ({ tenant_name })),
    ),
    when: fc.constantFrom({}, ...['*', ...ACTIONS].map((action) => ({ action }))),
  })
  .map(({ whom, when }) => ({ type: 'belongs_to', ...whom, ...when }));
const condition = fc.oneof(fc.constantFrom('is_owner', 'is_domain_owner'), tree, propertyCondition, belongsTo);

const policy: fc.Arbitrary<PolicySource> = fc
  .record(
    {
      principal: fc.constantFrom('Member', 'Member', 'Member', 'Guest', 'Nobody'),
      action: fc.constantFrom('*', '*', '*', '*', ...ACTIONS, '__attach__', ''),
      effect: fc.constantFrom('allow', ...Array<'allow'>(14).fill('allow'), 'deny'),
      path: fc.constantFrom('.*', '.*', '^/c/tickets', '^/c/tickets.*', 'tickets', '^/c/tickets$', '^/c/(tickets|books)/', '^/c/books'),
      scope: fc.constantFrom<PolicySource['scope']>(
        ['tenant', 'domain', 'admin'],
        ['tenant', 'domain', 'admin'],
        ['tenant'],
        ['admin', 'domain'],
      ),
      tenantId: fc.constantFrom('t1', 't[12]', '^t', '3'),
      condition: fc.array(condition, { maxLength: 4 }),
      lists: fc.oneof(fc.constant({}), fc.record({ properties }), fc.record({ blacklistProperties: properties })),
    },
    { requiredKeys: ['principal', 'action', 'effect', 'path', 'condition', 'lists'] },
  )
  .map(({ lists, ...fields }) =>
    policySource({
      ...fields,
      ...lists,
      ...(fields.action === '__attach__' && { relationProperty: '*', targetCondition: [] }),
    }),
  );

const identity: fc.Arbitrary<Identity> = fc
  .record({
    roles: fc.constantFrom(['Member'], ['Member'], ['Member'], ['Member', 'Guest'], ['Guest'], ['Nobody'], ['other', 'Member'], []),
    tenantId: tenant,
    domainId: fc.constantFrom('d1', 'd2'),
    scope: fc.constantFrom<Identity['scope']>('tenant', 'tenant', 'tenant', 'domain', 'admin'),
  })
  .map(identityOf);

const request = fc.record({ action: fc.constantFrom(...ACTIONS), path: fc.constantFrom(...PATHS), row, body: row });

const SETS = 2500;
const PER_SET = RUNS / SETS;

test(`${RUNS} triples of policies, identity and request are judged like the naive oracle judges them`, () => {
  let allowed = 0;
  let reached = 0;
  const seen = fc.check(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(identity, request), { minLength: PER_SET, maxLength: PER_SET }),
      (policies, asks) => {
        const set = compilePolicies(
          policies.map((one, index) => ({ ...one, id: String(index) })),
          { withoutAdminPolicy: true, tenants: TENANTS },
        );
        for (const [who, { action, path, row: stored, body }] of asks) {
          const wanted = chosenPolicy(policies, who, action, path);
          const decision = set.decide(who, action, path);
          assert.equal(decision.allowed, wanted !== undefined);
          if (!decision.allowed || wanted === undefined) continue;
          allowed += 1;
          const { permit } = decision;
          assert.equal(permit.policyId, String(policies.indexOf(wanted)));
          const isReached = reaches(wanted, who, action, stored);
          if (isReached) reached += 1;
          assert.equal(evaluateFilter(permit.rowFilter(TYPE), stored), isReached, 'row filter');
          assert.equal(permit.admits(TYPE, stored), isReached, 'admits');
          const isKept = keepsProperties(wanted, action, stored);
          assert.equal(evaluateFilter(permit.propertyFilter(TYPE), stored), isKept, 'property filter');
          assert.equal(evaluateFilter(allOf([permit.rowFilter(TYPE), permit.propertyFilter(TYPE)]), stored), isReached && isKept, 'both');
          assert.equal(permit.checkCreate(body) === undefined, acceptsCreate(wanted, action, body), 'create');
          if (action === 'update')
            assert.equal(permit.checkUpdate(stored, body) === undefined, acceptsUpdate(wanted, stored, body), 'update');
          assert.equal(permit.checkOwner(TYPE, body) === undefined, acceptsOwner(wanted, who, action, body), 'owner');
          const hidden = Object.keys(body).filter((name) => !isVisible(wanted, name));
          assert.equal(permit.hiddenKey(body), hidden[0], 'hidden key');
          for (const property of TYPE.properties) assert.equal(permit.seesProperty(property.name), isVisible(wanted, property.name));
          if (permit.seesAll) for (const property of TYPE.properties) assert.ok(isVisible(wanted, property.name));
        }
      },
    ),
    { numRuns: SETS },
  );
  assert.ok(!seen.failed, fc.defaultReportMessage(seen) ?? '');
  // A generator that hardly ever permits anything would prove nothing.
  assert.ok(allowed > RUNS / 8 && reached > RUNS / 20, `${allowed} allowed, ${reached} reached`);
});
