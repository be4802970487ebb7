import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createExtensions } from '../../src/extension/extensions.ts';
import { toEnvironments } from '../../src/extension/to-environments.ts';
import type { Extensions } from '../../src/extension/types.ts';
import { compilePolicies } from '../../src/policy/policy-set.ts';
import { createResourceApi, type ResourceApi } from '../../src/resource/api.ts';
import { TRUE } from '../../src/schema/filter.ts';
import type { Database } from '../../src/sql/types.ts';
import { onEveryDatabase, schemasOf } from '../support/databases.ts';
import { extension } from '../support/extensions.ts';
import { property, schema } from '../support/models.ts';

const SCHEMAS = schemasOf(
  [
    'schemas:',
    schema('thing', [property('name', 'string')]),
    'extensions:',
    extension(
      'cron',
      '^cron://night$',
      'gohan_register_handler("notification", function (context) { gohan_db_create(null, "thing", {id: context.path, name: typeof context.trace_id}); });',
    ),
    extension(
      'models',
      '^(cron://models|sync://keys)$',
      `gohan_register_handler("notification", function (context) {
         context.transaction = gohan_db_transaction();
         try {
           gohan_model_create(context, "thing", {id: "by " + context.path, name: "one"});
           gohan_model_update(context, "thing", "by " + context.path, {name: "two"}, null);
           context.transaction.Commit();
         } finally { context.transaction.Close(); }
         context.transaction = gohan_db_transaction();
         gohan_model_create(context, "thing", {id: "undone by " + context.path, name: "one"});
       });`,
    ),
    extension(
      'state',
      '^/t/things$',
      `export async function preStateUpdateInTransaction(context) {
         await context.tx.create('thing', { id: 'of ' + context.resource.id, name: context.schemaId });
         context.state = { ...context.state, seen: true };
       }
       export async function postStateUpdateInTransaction(context) { throw new Error('a defect'); }`,
      'typescript',
    ),
  ].join('\n'),
);
const thing = SCHEMAS.resources.get('thing') ?? assert.fail('no schema');
const LIMITS = {
  timeoutMs: 60_000,
  timeouts: [],
  exclusiveThreads: 1,
  sharedThreads: 1,
  maxQueue: 10,
  heapLimitBytes: 64 * 2 ** 20,
  rssLimitBytes: 256 * 2 ** 20,
  syncTimeoutMs: 60_000,
  quarantineKills: 5,
  quarantineWindowMs: 60_000,
};

onEveryDatabase((subject) => {
  let database: Database;
  let extensions: Extensions;
  let api: ResourceApi;
  before(async () => {
    database = await subject.open(await subject.createConnection());
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    extensions = await createExtensions({
      environments: toEnvironments(SCHEMAS, { others: ['cron://night', 'cron://models', 'sync://keys'], defaultType: 'javascript' }),
      limits: LIMITS,
      call: () => Promise.reject(new Error('nothing is asked')),
    });
    api = createResourceApi({
      schemas: SCHEMAS,
      policies: compilePolicies(SCHEMAS.policies),
      identifier: { identify: () => Promise.reject(new Error('nobody calls')) },
      hasFakeLogin: false,
      database,
      cors: '',
      about: { version: '0', appVersion: '0' },
      secret: 'secret',
      limits: { maxBodyBytes: 1000, maxPageSize: 10, exactCountLimit: 1000 },
      extensions,
    });
  });
  after(async () => {
    await api.close();
    await extensions.close();
    await database.close();
  });
  const nameOf = async (id: string): Promise<unknown> => (await database.reader.fetch(thing, id, { filter: TRUE }))?.['name'];

  test('an event of a job, with transactions of its own', async () => {
    await api.runEvent('cron://night', 'notification', { path: 'cron://night' });
    assert.equal(await nameOf('cron://night'), 'string');
  });

  test('jobs and watched keys work on models in transactions that they begin, one after the other', async () => {
    for (const environment of ['cron://models', 'sync://keys']) {
      await api.runEvent(environment, 'notification', { path: environment });
      assert.equal(await nameOf(`by ${environment}`), 'two');
      assert.equal(await nameOf(`undone by ${environment}`), undefined);
    }
  });

  test('nothing runs where nothing waits', async () => {
    assert.deepEqual(await api.runEvent('thing', 'pre_monitoring_update_in_transaction', {}), { hasNewResponse: false });
    assert.deepEqual(await api.runEvent('cron://day', 'notification', {}), { hasNewResponse: false });
  });

  test('an event in the transaction of who runs it, and a failure that undoes both', async () => {
    const run = (id: string, event: string) =>
      database.transaction((session) => api.runEvent('thing', event, { resource: { id }, state: { state: 'up' } }, { session }), {
        isolation: 'SERIALIZABLE',
      });
    const outcome = await run('a', 'pre_state_update_in_transaction');
    assert.deepEqual(outcome.state, { state: 'up', seen: true });
    assert.equal(await nameOf('of a'), 'thing');
    const failing = database.transaction(
      async (session) => {
        const fields = { resource: { id: 'b' }, state: {} };
        await api.runEvent('thing', 'pre_state_update_in_transaction', fields, { session });
        await api.runEvent('thing', 'post_state_update_in_transaction', fields, { session });
      },
      { isolation: 'SERIALIZABLE' },
    );
    await assert.rejects(failing, { code: 'EXTENSION_FAILED' });
    assert.equal(await nameOf('of b'), undefined);
  });
});
