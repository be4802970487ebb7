import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { schemasOf } from '../../test/support/databases.ts';
import { property, schema } from '../../test/support/models.ts';
import { askApi } from '../../test/support/resource-api.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Identity } from '../lib/identity.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySource, SchemaSet } from '../schema/types.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { createResourceApi, type ResourceApi } from './api.ts';
import type { RequestNote } from './types.ts';

/** Every value that could be revealed names the row and the property that it is of: `§cat.c1.name§`. */
const TYPES = ['cat', 'dog'] as const;
const PROPERTIES = ['name', 'mood', 'tenant_id'] as const;
const ROWS = ['1', '2', '3', '4'] as const;
const CALLER: Identity = {
  roles: ['Member'],
  tenantId: 'mine',
  tenantName: 'mine',
  domainId: 'd',
  domainName: 'd',
  scope: 'tenant',
  principal: 'caller',
};

const text = (name: string, more = ''): string => property(name, '[string, "null"]', more);
const SCHEMAS = [
  'schemas:',
  schema('cat', [text('name'), text('mood'), text('tenant_id'), text('friend_id', 'relation: dog, relation_property: friend')]),
  schema('dog', [text('name'), text('mood'), text('tenant_id'), text('friend_id', 'relation: cat, relation_property: friend')]),
].join('\n');

interface Rule {
  readonly rows: 'none' | 'own' | 'happy' | 'all' | 'first';
  readonly hidden: readonly string[];
  readonly isWhitelist: boolean;
}

let database: Database;
let schemas: SchemaSet;

before(async () => {
  schemas = schemasOf(SCHEMAS);
  database = await openDatabase({ type: 'sqlite3', connection: ':memory:', maxOpenConnections: 1, retry: { count: 0, intervalMs: 1 } });
  await database.prepare(schemas, { autoMigrate: true, cascadeDelete: false });
  await database.transaction(
    async (session) => {
      for (const id of TYPES) {
        const type = schemas.resources.get(id);
        assert.ok(type);
        for (const row of ROWS) {
          const values = { name: mark(id, row, 'name'), mood: isHappy(row) ? `happy${mark(id, row, 'mood')}` : mark(id, row, 'mood') };
          await session.insert(type, { id: row, ...values, tenant_id: isOwn(row) ? 'mine' : `theirs${mark(id, row, 'tenant_id')}` });
        }
      }
      for (const id of TYPES) {
        const type = schemas.resources.get(id);
        assert.ok(type);
        for (const [index, row] of ROWS.entries()) await session.update(type, row, { friend_id: ROWS[(index + 1) % ROWS.length] ?? null });
      }
    },
    { isolation: 'SERIALIZABLE' },
  );
});
after(() => database.close());

const mark = (type: string, row: string, name: string): string => `§${type}.${row}.${name}§`;
const isOwn = (row: string): boolean => row === '1' || row === '2';
const isHappy = (row: string): boolean => row === '2' || row === '3';

/** What a rule lets the caller see, without any of the code under test. */
function sees({ rows, hidden }: Rule, row: string, name: string): boolean {
  const reaches =
    rows === 'all' || (rows === 'own' && isOwn(row)) || (rows === 'first' && row === '1') || (rows === 'happy' && isHappy(row));
  return reaches && !hidden.includes(name);
}

function toPolicy(type: string, { rows, hidden, isWhitelist }: Rule, action = 'read'): PolicySource[] {
  if (rows === 'none') return [];
  const happy = ROWS.filter(isHappy).map((row) => `happy${mark(type, row, 'mood')}`);
  const visible = ['id', 'friend_id', 'friend', ...PROPERTIES].filter((name) => !hidden.includes(name));
  const base = {
    id: `${type}_${action}`,
    description: '',
    principal: 'Member',
    action,
    effect: 'allow' as const,
    properties: isWhitelist ? visible : undefined,
    blacklistProperties: isWhitelist ? undefined : hidden,
    tenantId: undefined,
    tenantName: undefined,
    scope: ['tenant' as const],
    condition: rows === 'own' ? ['is_owner'] : rows === 'happy' ? [{ type: 'property', action, match: { mood: happy } }] : [],
    relationProperty: undefined,
    targetCondition: undefined,
    place: 'test',
  };
  if (rows !== 'first') return [{ ...base, path: `^/t/${type}s.*` }];
  return [{ ...base, path: `^/t/${type}s/1$` }];
}

function serve(policies: readonly PolicySource[]): ResourceApi {
  return createResourceApi({
    schemas: { ...schemas, policies },
    policies: compilePolicies(policies),
    identifier: { identify: () => Promise.resolve(CALLER) },
    hasFakeLogin: false,
    database,
    cors: '',
    about: { version: '1', appVersion: '1' },
    secret: 'test',
    limits: { maxBodyBytes: 1000, maxPageSize: 100, exactCountLimit: 1000 },
  });
}

function ask(api: ResourceApi, path: string, query: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const note: RequestNote = { id: 'test', route: '', pattern: '', status: 0 };
    const exchange: Partial<Exchange> = {
      method: 'GET',
      path,
      query,
      target: query === '' ? path : `${path}?${query}`,
      headers: ['x-auth-token', 'any'],
      body: undefined,
      aborted: false,
      headSent: false,
      respond: ({ status, headers }, body) => resolve({ status, body: headers.join('\n') + String(body ?? '') }),
    };
    assert.ok(api.handle(exchange as Exchange, note), path);
  });
}

const rule: fc.Arbitrary<Rule> = fc.record({
  rows: fc.constantFrom('none', 'own', 'happy', 'all', 'first'),
  hidden: fc.subarray([...PROPERTIES, 'friend_id', 'friend']),
  isWhitelist: fc.boolean(),
});
const field = fc.constantFrom('id', ...PROPERTIES, 'friend_id', 'friend', 'cat.name', 'dog.name', 'cat.mood', 'dog.mood', 'dog.tenant_id');
const parameter = fc.oneof(
  field.map((name) => `_fields=${name}`),
  field.map((name) => `sort_key=${name}`),
  field.map((name) => `sort=${name}:desc`),
  fc.constantFrom('mood__null=false', 'tenant_id=mine', 'name__gt=a', 'any_of=true', 'search_field=mood&mood=happy', 'friend_id=1'),
  fc.constantFrom('limit=2', 'page_size=1', '_details=false', 'offset=1'),
);
const request = fc.record({
  path: fc.constantFrom('/t/cats', '/t/dogs', '/t/cats/1', '/t/cats/3', '/t/dogs/2', '/t/dogs/4', '/_all'),
  query: fc.uniqueArray(parameter, { maxLength: 4 }).map((parameters) => parameters.join('&')),
});

test('no answer has a value of a row or property that the policies hide', async () => {
  await fc.assert(
    fc.asyncProperty(rule, rule, fc.array(request, { minLength: 1, maxLength: 4 }), async (cat, dog, requests) => {
      const rules: Readonly<Record<string, Rule>> = { cat, dog };
      const api = serve([...toPolicy('cat', cat), ...toPolicy('dog', dog)]);
      for (const { path, query } of requests) {
        const { body } = await ask(api, path, query);
        for (const [, type = '', row = '', name = ''] of body.matchAll(/§(\w+)\.(\w+)\.(\w+)§/g)) {
          assert.ok(
            sees(rules[type] as Rule, row, name),
            `${path}?${query} reveals ${type}.${row}.${name}: ${JSON.stringify(rules)}\n${body}`,
          );
        }
      }
      await api.close();
    }),
    { numRuns: 3000 },
  );
});

const write = fc.record({
  method: fc.constantFrom('PUT', 'PATCH'),
  row: fc.constantFrom(...ROWS),
  body: fc.constantFrom<unknown>(
    {},
    { id: undefined },
    [],
    [{ op: 'copy', from: '/mood', path: '/name' }],
    [{ op: 'copy', from: '/tenant_id', path: '/name' }],
    [{ op: 'move', from: '/name', path: '/mood' }],
    [{ op: 'test', path: '/name', value: 'guess' }],
    [{ op: 'copy', from: '', path: '/name' }],
  ),
});

test('no answer to a write has one either, but what the policy of the write shows of its own row', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(rule, rule, rule, fc.array(write, { minLength: 1, maxLength: 4 }), async (cat, dog, change, writes) => {
      const rules: Readonly<Record<string, Rule>> = { cat, dog };
      const api = serve([...toPolicy('cat', cat), ...toPolicy('dog', dog), ...toPolicy('cat', change, 'update')]);
      for (const { method, row, body } of writes) {
        const { status, body: text } = await askApi(api, Array.isArray(body) ? 'PATCH' : method, `/t/cats/${row}?validate_only=true`, body);
        if (status === 200) accepted += 1;
        for (const [, type = '', shown = '', name = ''] of text.matchAll(/§(\w+)\.(\w+)\.(\w+)§/g)) {
          const isOwnRow = type === 'cat' && shown === row && sees(change, shown, name);
          assert.ok(
            isOwnRow || sees(rules[type] as Rule, shown, name),
            `${method} ${row} ${JSON.stringify(body)} reveals ${type}.${shown}.${name}: ${JSON.stringify([rules, change])}\n${text}`,
          );
        }
      }
      await api.close();
    }),
    { numRuns: 1500 },
  );
  assert.ok(accepted > 500, `${accepted} writes were accepted`);
});

test('filters on hidden properties change nothing, and order by them is refused like by none', async () => {
  const hidden: Rule = { rows: 'all', hidden: ['mood'], isWhitelist: false };
  const api = serve(toPolicy('cat', hidden));
  const plain = await ask(api, '/t/cats', '');
  for (const query of ['mood=x', 'mood__gt=x', 'mood__ne=happy', 'mood__null=true', 'search_field=mood&mood=happy', 'any_of=true&mood=x'])
    assert.deepEqual(await ask(api, '/t/cats', query), plain, query);
  for (const query of ['sort_key=mood', 'sort=mood:asc']) {
    const unknown = await ask(api, '/t/cats', query.replace('mood', 'none'));
    assert.deepEqual(await ask(api, '/t/cats', query), { status: 400, body: unknown.body.replaceAll('none', 'mood') });
  }
});
