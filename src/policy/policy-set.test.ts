import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf, policySource, resourceType } from '../../test/support/policy-fixtures.ts';
import type { Identity } from '../lib/identity.ts';
import { FALSE, type Filter, TRUE } from '../schema/filter.ts';
import type { PolicySource } from '../schema/types.ts';
import { compilePolicies, type PolicyOptions } from './policy-set.ts';
import type { Permit } from './types.ts';

const TYPE = resourceType('ticket', {
  id: 'string',
  tenant_id: 'string',
  domain_id: 'string',
  state: 'string',
  level: 'integer',
  open: 'boolean',
  tags: 'array',
});
const PLAIN = resourceType('pub', { id: 'string', state: 'string' });
const admin = identityOf({ roles: ['admin'], scope: 'admin' });
const member = identityOf();

const set = (...sources: Partial<PolicySource>[]) => compilePolicies(sources.map(policySource));

function permitOf(source: Partial<PolicySource>, action = 'read', identity: Identity = member, options: PolicyOptions = {}): Permit {
  const decision = compilePolicies([policySource(source)], options).decide(identity, action, '/c/tickets');
  assert.ok(decision.allowed);
  return decision.permit;
}

const rows = (condition: readonly unknown[], identity = member, type = TYPE, action = 'read'): Filter =>
  permitOf({ condition }, action, identity).rowFilter(type);
const inTenant = (...values: string[]): Filter => ({ kind: 'in', property: 'tenant_id', values });
const inDomain: Filter = { kind: 'in', property: 'domain_id', values: ['d1'] };

const idOf = (policies: ReturnType<typeof set>, identity: Identity, action: string, path: string): string => {
  const decision = policies.decide(identity, action, path);
  return decision.allowed ? decision.permit.policyId : decision.reason;
};

test('the first matching allow policy decides', () => {
  const policies = set(
    { id: 'other', principal: 'Other' },
    { id: 'tickets', path: '^/c/tickets' },
    { id: 'all' },
    { id: 'late', path: '^/c/tickets.*' },
  );
  assert.equal(idOf(policies, member, 'read', '/c/tickets/1'), 'tickets');
  assert.equal(idOf(policies, member, 'read', '/c/books'), 'all');
  assert.equal(idOf(policies, identityOf({ roles: ['Stranger'] }), 'read', '/c/books'), 'No matching policy: read /c/books');
});

test('any deny policy wins, wherever it stands', () => {
  const policies = set({ id: 'all' }, { id: 'no', effect: 'deny', action: 'delete', path: '^/c/tickets/' });
  assert.equal(idOf(policies, member, 'read', '/c/tickets/1'), 'all');
  assert.equal(idOf(policies, member, 'delete', '/c/tickets/1'), 'No matching policy: delete /c/tickets/1');
  assert.equal(idOf(policies, member, 'delete', '/c/tickets'), 'all');
});

test('a policy without an action permits nothing, but opens its path to callers without credentials', () => {
  const policies = set({ id: 'static', principal: 'Nobody', action: '', path: '^/static' }, { principal: 'Nobody', path: 'pubs' });
  const nobody = identityOf({ roles: ['Nobody'], tenantId: 'nobody', tenantName: 'nobody' });
  assert.equal(policies.decide(nobody, 'read', '/static/x').allowed, false);
  assert.equal(policies.decide(nobody, '', '/static/x').allowed, false);
  assert.equal(policies.isAnonymous('/static/x'), true);
  assert.equal(policies.isAnonymous('/c/pubs/1'), true);
  assert.equal(policies.isAnonymous('/c/tickets'), false);
  assert.equal(policies.decide(nobody, 'read', '/c/pubs').allowed, true);
  assert.equal(policies.decide(member, 'read', '/c/pubs').allowed, false, 'other roles do not inherit what Nobody may');
});

test('scope, tenant and role of the caller must match', () => {
  const policies = set(
    { id: 'domain', scope: ['domain'] },
    { id: 'name', tenantName: '^two$' },
    { id: 'id', tenantId: 't3' },
    { id: 'both', principal: 'Member', scope: ['admin'] },
  );
  assert.equal(idOf(policies, identityOf({ scope: 'domain' }), 'read', '/'), 'domain');
  assert.equal(idOf(policies, identityOf({ tenantId: 't2', tenantName: 'two' }), 'read', '/'), 'name');
  assert.equal(idOf(policies, identityOf({ tenantId: 'xt33' }), 'read', '/'), 'id', 'searched, not anchored');
  assert.equal(idOf(policies, identityOf({ scope: 'admin', roles: ['x', 'Member'] }), 'read', '/'), 'both');
  assert.equal(policies.decide(member, 'read', '/').allowed, false);
});

test('the admin role of an admin-scoped token may do everything', () => {
  assert.equal(idOf(set(), admin, 'read', '/any'), 'admin_statement');
  assert.equal(set().decide(identityOf({ roles: ['admin'] }), 'read', '/any').allowed, false);
  assert.equal(compilePolicies([], { withoutAdminPolicy: true }).decide(admin, 'read', '/any').allowed, false);
});

for (const [pattern, path, matches] of [
  ['^/c/books$', '/c/books', true],
  ['^/c/books$', '/c/books/1', false],
  ['^/c/books?', '/c/book', true],
  ['^/c/books/?$', '/c/books/', true],
  ['^/c/boo*k', '/c/bk', false],
  ['^/c/bo*k', '/c/bk', true],
  ['books', '/c/books', true],
  ['^/a|^/b', '/b', true],
  ['^/a|^/b', '/c', false],
  ['^/v1\\.0/x', '/v1.0/x', true],
  ['^/v1\\.0/x', '/v1a0/x', false],
  ['', '/x', true],
  ['^/c/(books|notes)/[^/]+$', '/c/notes/1', true],
  ['^/c/{2}x', '/c//x', true],
  ['^/v2.0/nets.*', '/v2.0/nets/1', true],
  ['^/v2.0/nets.*', '/v2x0/nets/1', true],
  ['^/v2.0/nets.*', '/v2\n0/nets/1', false],
  ['^/v2.0/nets', '/v2.0/net', false],
  ['^/c.?/x', '/c/x', true],
  ['^\\/c\\/x$', '/c/x', true],
  ['^/c\\.*x', '/c..x', true],
  ['^/c\\d/x', '/c1/x', true],
] as const) {
  test(`path ${pattern} and ${path}`, () => assert.equal(set({ path: pattern }).decide(member, 'read', path).allowed, matches));
}

test('is_owner adds tenant and domain, where the type has them and the scope asks for them', () => {
  assert.deepEqual(rows(['is_owner']), { kind: 'and', of: [inTenant('t1'), inDomain] });
  assert.deepEqual(rows(['is_owner'], identityOf({ scope: 'domain' })), inDomain);
  assert.deepEqual(rows(['is_owner'], identityOf({ scope: 'admin' })), TRUE);
  assert.deepEqual(rows(['is_owner'], member, PLAIN), TRUE);
  assert.deepEqual(rows(['is_domain_owner']), inDomain);
  assert.deepEqual(rows(['is_domain_owner', 'is_owner']), rows(['is_owner', 'is_domain_owner']));
});

test('belongs_to widens is_owner for its action', () => {
  const condition = ['is_owner', { type: 'belongs_to', action: 'read', tenant_id: 't2|t3' }];
  assert.deepEqual(rows(condition), { kind: 'and', of: [inTenant('t1', 't2', 't3'), inDomain] });
  assert.deepEqual(rows(condition, member, TYPE, 'update'), { kind: 'and', of: [inTenant('t1'), inDomain] });
  assert.deepEqual(rows([{ type: 'belongs_to', tenant_id: 't2' }]), TRUE, 'without is_owner there is nothing to widen');
  assert.deepEqual(rows(['is_owner', { type: 'belongs_to', tenant_id: '.*' }]), {
    kind: 'and',
    of: [{ kind: 'notIn', property: 'tenant_id', values: [null] }, inDomain],
  });
});

test('patterns of belongs_to that are no list become ids of known tenants', () => {
  const tenants = [
    { id: 't2', name: 'dev-a' },
    { id: 't3', name: 'ops' },
  ];
  const filter = (rule: object, known = tenants) =>
    permitOf({ condition: ['is_owner', { type: 'belongs_to', ...rule }] }, 'read', member, { tenants: known }).rowFilter(TYPE);
  assert.deepEqual(filter({ tenant_name: '^dev-.*' }), { kind: 'and', of: [inTenant('t1', 't2'), inDomain] });
  assert.deepEqual(filter({ tenant_name: 'ops' }), { kind: 'and', of: [inTenant('t1', 't3'), inDomain] });
  assert.deepEqual(filter({ tenant_id: '^t[0-9]$' }), { kind: 'and', of: [inTenant('t1', 't2', 't3'), inDomain] });
  assert.deepEqual(filter({ tenant_id: '^t[0-9]$' }, []), { kind: 'and', of: [inTenant('t1'), inDomain] });
});

test('while the tenants are unknown, what depends on them is refused, and nothing else', () => {
  const of = (rule: object, identity = member, action = 'read', more: PolicyOptions = { tenants: 'unknown' }) =>
    permitOf({ condition: ['is_owner', { type: 'belongs_to', ...rule }] }, action, identity, more);
  const isUnknown = { code: 'IDENTITY_UNAVAILABLE' };
  assert.throws(() => of({ tenant_name: 'ops' }).rowFilter(TYPE), isUnknown);
  assert.throws(() => of({ tenant_id: '^t[0-9]$' }).rowFilter(TYPE), isUnknown);
  assert.throws(() => of({ tenant_name: 'ops' }, member, 'create').checkOwner(TYPE, { tenant_id: 't3' }), isUnknown);
  assert.equal(of({ tenant_name: 'ops' }, member, 'create').checkOwner(TYPE, { tenant_id: 't1' }), undefined, 'the own tenant is known');
  assert.deepEqual(of({ tenant_id: 't2' }).rowFilter(TYPE), { kind: 'and', of: [inTenant('t1', 't2'), inDomain] });
  assert.deepEqual(of({ tenant_name: 'ops', action: 'update' }).rowFilter(TYPE), { kind: 'and', of: [inTenant('t1'), inDomain] });
  assert.deepEqual(of({ tenant_name: 'ops' }, admin).rowFilter(TYPE), TRUE);
  assert.deepEqual(of({ tenant_name: 'ops' }, identityOf({ scope: 'domain' })).rowFilter(TYPE), inDomain);
  assert.deepEqual(of({ tenant_name: 'ops' }).rowFilter(PLAIN), TRUE, 'a type without owner');
});

test('policies tell whether they need the tenants', () => {
  const needs = (...rules: object[]) =>
    set(...rules.map((rule, index) => ({ id: String(index), condition: ['is_owner', { type: 'belongs_to', ...rule }] }))).needTenants;
  assert.deepEqual(needs({ tenant_id: 'a|b' }, { tenant_id: '^a-' }, { tenant_name: 'ops' }, { tenant_name: '.*' }, { tenant_id: '.*' }), [
    '1',
    '2',
  ]);
  const attach = { action: '__attach__', relationProperty: 'x', targetCondition: ['is_owner', { type: 'belongs_to', tenant_name: 'ops' }] };
  assert.deepEqual(set({ id: 'attach', ...attach }).needTenants, ['attach']);
});

test('more tenants than a database can be asked for are not cut off', () => {
  const tenants = Array.from({ length: 16_385 }, (_, index) => ({ id: `t${index}`, name: `dev-${index}` }));
  const permit = (known: typeof tenants) =>
    permitOf({ condition: ['is_owner', { type: 'belongs_to', tenant_name: '^dev-' }] }, 'read', member, { tenants: known });
  assert.throws(() => permit(tenants).rowFilter(TYPE), { code: 'POLICY_DENIED' });
  assert.ok(permit(tenants.slice(1)).rowFilter(TYPE));
});

test('a body may name the tenant that a pattern of the other kind opens', () => {
  const tenants = [{ id: 't2', name: 'dev-a' }];
  const check = (rule: object, body: object) =>
    permitOf({ condition: ['is_owner', { type: 'belongs_to', ...rule }] }, 'create', member, { tenants }).checkOwner(TYPE, { ...body });
  const foreign = 'Operating on resources from other tenant is prohibited';
  assert.equal(check({ tenant_name: '^dev-' }, { tenant_id: 't2' }), undefined);
  assert.equal(check({ tenant_name: '^dev-' }, { tenant_id: 't9' }), foreign, 'no tenant of that id is known');
  assert.equal(check({ tenant_id: '^t2$' }, { tenant_name: 'dev-a' }), undefined);
  assert.equal(check({ tenant_id: '^t2$' }, { tenant_name: 'dev-b' }), foreign);
  assert.equal(check({ tenant_name: '.*' }, { tenant_id: 'any', tenant_name: 'any' }), undefined);
});

test('and, or and match become filters', () => {
  const filter = rows([
    {
      or: [
        'is_owner',
        { and: [{ match: { property: 'state', type: 'eq', value: 'UP' } }, { match: { property: 'level', type: 'eq', value: [2, 3] } }] },
      ],
    },
  ]);
  assert.deepEqual(filter, {
    kind: 'or',
    of: [
      { kind: 'and', of: [inTenant('t1'), inDomain] },
      {
        kind: 'and',
        of: [
          { kind: 'in', property: 'state', values: ['UP'] },
          { kind: 'in', property: 'level', values: [2, 3] },
        ],
      },
    ],
  });
  const match = (type: string, value: unknown, property = 'state') => rows([{ and: [{ match: { property, type, value } }] }]);
  assert.deepEqual(match('neq', 'X'), { kind: 'notIn', property: 'state', values: ['X', null] }, 'NULL is not unequal either');
  assert.deepEqual(match('neq', []), TRUE);
  assert.deepEqual(match('eq', []), FALSE);
  assert.deepEqual(match('eq', 5), FALSE, 'a text is never a number');
  assert.deepEqual(match('eq', 5, 'nowhere'), FALSE);
  assert.deepEqual(match('neq', 5, 'nowhere'), FALSE);
  assert.deepEqual(match('eq', true, 'open'), { kind: 'in', property: 'open', values: [true] });
  assert.deepEqual(match('eq', null), { kind: 'in', property: 'state', values: [null] });
  assert.deepEqual(match('eq', '9007199254740993', 'level'), { kind: 'in', property: 'level', values: ['9007199254740993'] });
  assert.deepEqual(rows([{ or: ['is_owner', { match: { property: 'state', type: 'eq', value: 'UP' } }] }], admin), TRUE);
});

test('several trees all apply', () => {
  const match = (value: string) => ({ and: [{ match: { property: 'state', type: 'neq', value } }] });
  assert.equal(permitOf({ condition: [match('A'), match('B')] }).admits(TYPE, { state: 'A' }), false);
  assert.equal(permitOf({ condition: [match('A'), match('B')] }).admits(TYPE, { state: 'C' }), true);
});

const job = [
  { type: 'property', action: 'read', match: { state: ['ACTIVE', 'ERROR'] } },
  { type: 'property', action: 'create', match: { state: 'ACTIVE' } },
  { type: 'property', action: 'update', match: { state: { ACTIVE: ['ERROR', 'ACTIVE'], NEW: 'ACTIVE' } } },
];

test('property conditions of stored rows are filters', () => {
  const filter = (action: string, condition: readonly unknown[] = job) => permitOf({ condition }, action).propertyFilter(TYPE);
  assert.deepEqual(filter('read'), { kind: 'in', property: 'state', values: ['ACTIVE', 'ERROR'] });
  assert.deepEqual(filter('update'), { kind: 'in', property: 'state', values: ['ACTIVE', 'NEW'] });
  assert.deepEqual(filter('delete'), filter('update'), 'a delete without rules keeps those of the update');
  assert.deepEqual(filter('delete', [...job, { type: 'property', action: 'delete', match: { level: 1 } }]), {
    kind: 'in',
    property: 'level',
    values: [1],
  });
  assert.deepEqual(filter('create'), TRUE);
  assert.deepEqual(filter('approve', [{ type: 'property', action: 'approve', match: { state: 'A' } }]), TRUE, 'judged by its input');
  assert.deepEqual(filter('read', [{ type: 'property', match: { nowhere: 1 } }]), FALSE);
  assert.deepEqual(filter('read', [{ type: 'property', match: { level: { 1: 2 }, open: { true: false } } }]), {
    kind: 'and',
    of: [
      { kind: 'in', property: 'level', values: [1] },
      { kind: 'in', property: 'open', values: [true] },
    ],
  });
});

test('property conditions of bodies', () => {
  const create = permitOf({ condition: job }, 'create');
  assert.equal(create.checkCreate({ state: 'ACTIVE' }), undefined);
  assert.match(create.checkCreate({ state: 'ERROR' }) ?? '', /state/);
  assert.match(create.checkCreate({}) ?? '', /state/);
  const update = permitOf({ condition: job }, 'update');
  assert.equal(update.checkUpdate({ state: 'ACTIVE' }, { state: 'ERROR' }), undefined);
  assert.equal(update.checkUpdate({ state: 'NEW' }, { state: 'ACTIVE' }), undefined);
  assert.match(update.checkUpdate({ state: 'NEW' }, { state: 'ERROR' }) ?? '', /state/);
  assert.match(update.checkUpdate({ state: 'ERROR' }, { state: 'ACTIVE' }) ?? '', /state/);
  assert.match(update.checkUpdate({ state: 'ACTIVE' }, { level: 1 }) ?? '', /state/, 'a transition needs its new value');
  const action = permitOf({ condition: [{ type: 'property', action: 'approve', match: { level: 1.0 } }] }, 'approve');
  assert.equal(action.checkCreate({ level: 1 }), undefined);
  assert.match(action.checkCreate({ level: '1' }) ?? '', /level/);
  const nullable = permitOf({ condition: [{ type: 'property', match: { state: [null, 'A'] } }] }, 'update');
  assert.equal(nullable.checkUpdate({}, {}), undefined, 'an absent stored property is null');
});

test('the owner of a body must be the caller', () => {
  const check = (body: object, action = 'create', identity = member, extra: readonly unknown[] = []) =>
    permitOf({ condition: ['is_owner', ...extra] }, action, identity).checkOwner(TYPE, body as Record<string, unknown>);
  const tenant = 'Operating on resources from other tenant is prohibited';
  const domain = 'Operating on resources from other domain is prohibited';
  assert.equal(check({}), undefined);
  assert.equal(check({ tenant_id: 't1', domain_id: 'd1' }), undefined);
  assert.equal(check({ tenant_id: '.*' }), tenant, 'a body is no pattern');
  assert.equal(check({ tenant_id: 't2' }), tenant);
  assert.equal(check({ tenant_id: 7 }), tenant);
  assert.equal(check({ tenant_name: 'two' }), tenant);
  assert.equal(check({ tenant_id: null }), undefined, 'the final data decide');
  assert.equal(check({ tenant_id: null }, 'update'), tenant, 'an update gives nothing away');
  assert.equal(check({ domain_id: 'd2' }), domain);
  assert.equal(check({ tenant_id: 't2', domain_id: 'd1' }, 'create', identityOf({ scope: 'domain' })), undefined);
  assert.equal(check({ domain_id: 'd2' }, 'create', identityOf({ scope: 'domain' })), domain);
  assert.equal(check({ tenant_id: 't2', domain_id: 'd2' }, 'create', identityOf({ scope: 'admin' })), undefined);
  const opened = [{ type: 'belongs_to', action: 'create', tenant_id: 't2' }];
  assert.equal(check({ tenant_id: 't2' }, 'create', member, opened), undefined);
  assert.equal(check({ tenant_id: 't22' }, 'create', member, opened), tenant, 'a plain id means exactly that');
  assert.equal(check({ tenant_id: 't2' }, 'update', member, opened), tenant);
  assert.equal(check({ tenant_id: 't29' }, 'create', member, [{ type: 'belongs_to', tenant_id: '^t2.' }]), undefined);
});

test('the final data of a create must lie in the row filter', () => {
  const permit = permitOf({ condition: ['is_owner'] }, 'create');
  assert.equal(permit.admits(TYPE, { tenant_id: 't1', domain_id: 'd1' }), true);
  assert.equal(permit.admits(TYPE, { tenant_id: null, domain_id: 'd1' }), false);
});

test('hidden properties', () => {
  const visible = permitOf({ properties: ['id', 'state'] });
  assert.equal(visible.seesAll, false);
  assert.equal(visible.seesProperty('level'), false);
  assert.equal(visible.hiddenKey({ id: 1, level: 2 }), 'level');
  assert.equal(visible.hiddenKey({ id: 1, tenant_name: 'one' }), undefined);
  const hidden = permitOf({ blacklistProperties: ['level'] });
  assert.equal(hidden.seesProperty('level'), false);
  assert.equal(hidden.hiddenKey({ id: 1 }), undefined);
  assert.equal(permitOf({}).seesAll, true);
  assert.equal(permitOf({ blacklistProperties: [] }).seesAll, true);
  assert.equal(permitOf({ properties: [] }).seesProperty('id'), false);
});

test('attach policies: all that match the path, with what they ask of the target', () => {
  const attach = { action: '__attach__', path: '^/c/plugs' };
  const policies = set(
    { ...attach, id: 'own', relationProperty: 'target_id', targetCondition: ['is_owner', 'skip_tenant_domain_check'] },
    {
      ...attach,
      id: 'no',
      effect: 'deny',
      relationProperty: '*',
      targetCondition: [{ and: [{ match: { property: 'open', type: 'eq', value: true } }] }],
    },
    { ...attach, id: 'same', relationProperty: 'boxes.[].id', targetCondition: [{ or: ['same_tenancy'] }] },
    { ...attach, id: 'state', relationProperty: 'x', targetCondition: [{ type: 'property', match: { state: 'UP' } }] },
    { id: 'all' },
  );
  const found = policies.attachments(member, '/c/plugs/1');
  assert.deepEqual(
    found.map((policy) => [policy.policyId, policy.effect, policy.relationProperty, policy.skipsTenantDomainCheck]),
    [
      ['own', 'allow', 'target_id', true],
      ['no', 'deny', '*', false],
      ['same', 'allow', 'boxes.[].id', false],
      ['state', 'allow', 'x', false],
    ],
  );
  const filter = (at: number, source = {}) => found[at]?.targetFilter(TYPE, source);
  assert.deepEqual(filter(0), { kind: 'and', of: [inTenant('t1'), inDomain] });
  assert.deepEqual(filter(1), { kind: 'in', property: 'open', values: [true] });
  assert.deepEqual(filter(2, { tenant_id: 't9', domain_id: null }), {
    kind: 'and',
    of: [inTenant('t9'), { kind: 'in', property: 'domain_id', values: [null] }],
  });
  assert.deepEqual(filter(2), TRUE, 'a source without owner has nothing to compare');
  assert.deepEqual(filter(3), TRUE);
  assert.deepEqual(found[3]?.propertyFilter(TYPE), { kind: 'in', property: 'state', values: ['UP'] });
  assert.deepEqual(found[0]?.propertyFilter(TYPE), TRUE);
  assert.deepEqual(policies.attachments(member, '/c/other'), []);
  assert.deepEqual(policies.attachments(admin, '/c/plugs'), []);
  assert.equal(idOf(policies, member, '__attach__', '/c/plugs'), 'all', 'attach policies permit no action of their own');
});

test('filters and permits are made once', () => {
  const policies = set({ condition: ['is_owner'] });
  const [one, two] = [policies.decide(member, 'read', '/a'), policies.decide(identityOf({ principal: 'other' }), 'read', '/b')];
  assert.equal(one, two);
  assert.ok(one.allowed);
  assert.equal(one.permit.rowFilter(TYPE), one.permit.rowFilter(TYPE));
  assert.notEqual(policies.decide(identityOf({ tenantId: 't2' }), 'read', '/a'), one);
});

for (const [name, fields, detail] of [
  ['an unknown word', { condition: ['is_ownr'] }, /unknown condition "is_ownr", did you mean "is_owner"/],
  ['an unknown type', { condition: [{ type: 'propertie', match: {} }] }, /unknown condition type "propertie", did you mean "property"/],
  ['a map that says nothing', { condition: [{ foo: 1 }] }, /has and, or, match, or a type.*foo/],
  ['a number', { condition: [5] }, /a condition is a word .* not 5/],
  ['same_tenancy outside attach', { condition: ['same_tenancy'] }, /target_condition/],
  ['a match without type', { condition: [{ and: [{ match: { property: 'a', value: 1 } }] }] }, /eq or neq, not nothing/],
  ['a match with a map as value', { condition: [{ or: [{ match: { property: 'a', type: 'eq', value: { a: 1 } } }] }] }, /value of a match/],
  ['an unknown key in a tree', { condition: [{ and: [{ mach: {} }] }] }, /unknown key "mach".*did you mean "match"/],
  ['and that is no list', { condition: [{ and: 'is_owner' }] }, /and is a list/],
  ['both property lists', { properties: ['a'], blacklistProperties: ['b'] }, /both properties and blacklistProperties/],
  ['both tenants', { tenantId: 'a', tenantName: 'b' }, /tenant_id and tenant_name are both given/],
  ['a broken path', { path: '^/(' }, /resource.path/],
  ['a broken tenant', { tenantId: '[' }, /tenant_id.*does not compile/],
  ['belongs_to without tenant', { condition: [{ type: 'belongs_to' }] }, /either tenant_id or tenant_name/],
  ['belongs_to with a broken pattern', { condition: [{ type: 'belongs_to', tenant_id: '(?=x)' }] }, /does not compile/],
  ['belongs_to with an unknown key', { condition: [{ type: 'belongs_to', tenant_id: 'x', actions: 'read' }] }, /did you mean "action"/],
  ['a property condition without match', { condition: [{ type: 'property' }] }, /needs match/],
  ['a property rule with a nested list', { condition: [{ type: 'property', match: { a: [[1]] } }] }, /rule for the property a/],
  ['an unknown scope', { scope: ['tenan'] as never }, /unknown scope "tenan", did you mean "tenant"/],
  ['attach without its keys', { action: '__attach__' }, /relation_property/],
] as const) {
  test(`refused with its place: ${name}`, () => {
    assert.throws(
      () => compilePolicies([policySource(fields)]),
      (error: { code: string; errors: { pointer: string; detail: string }[] }) => {
        assert.equal(error.code, 'SCHEMA_INVALID');
        assert.equal(error.errors[0]?.pointer, 'test.yaml:1:1');
        assert.match(error.errors[0]?.detail ?? '', detail);
        return true;
      },
    );
  });
}

test('all problems are told at once', () => {
  assert.throws(
    () => compilePolicies([policySource({ condition: ['x', 'y'] }), policySource({ id: 'q', path: '(' })]),
    (error: { errors: unknown[] }) => error.errors.length === 3,
  );
});
