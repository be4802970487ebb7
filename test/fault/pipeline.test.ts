import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Etcd } from '../../src/etcd/types.ts';
import { openEventLog } from '../../src/sql/event-log.ts';
import type { Database } from '../../src/sql/types.ts';
import { ask } from '../support/client.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import { extension } from '../support/extensions.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { expectedKeys, openEtcd, presentKeys, SYNC_SCHEMA_TEXT, SYNC_SCHEMAS } from '../support/sync.ts';
import { startWitness } from '../support/sync-fleet.ts';
import { until } from '../support/until.ts';

/** How often it is done on each database; 200 for the long form. Operations of one client, at most. */
const RUNS = Number(process.env['SEKISHO_PIPELINE_RUNS'] ?? 1);
const OPERATIONS = Number(process.env['SEKISHO_PIPELINE_OPERATIONS'] ?? 40);
const CLIENTS = 4;

const STEPS = ['create', 'update', 'delete', 'show', 'list'].flatMap((name) => [
  `pre_${name}`,
  `pre_${name}_in_transaction`,
  `post_${name}_in_transaction`,
  `post_${name}`,
]);

/** What becomes of an event is drawn from the resource's `size` and the event's name, so that a failing case fails again. */
const FATE = `
function fate(event, size) {
  var hash = 7;
  var text = event + " " + size;
  for (var i = 0; i < text.length; i += 1) { hash = (hash * 31 + text.charCodeAt(i)) % 100003; }
  return hash % 300;
}
`;

const GOHAN = `${FATE}
${JSON.stringify(STEPS)}.forEach(function (event) {
  gohan_register_handler(event, function (context) {
    var resource = context.resource || {};
    var drawn = fate(event, resource.size);
    if (event === "post_create_in_transaction" && drawn % 4 === 0) {
      gohan_model_create(context, "note", {id: gohan_uuid(), name: "of " + resource.id, size: null});
    }
    if (drawn < 5) { throw new CustomException("refused", 409); }
    if (drawn < 10) { throw new CustomException({taken: true}, 202); }
    if (drawn < 20) { throw new Error("a defect"); }
    if (drawn === 20) { for (;;) { /* until the time is over */ } }
  });
});
`;

const MODULE = `
import { ResponseError } from 'sekisho/extension';
${FATE}
const step = (event) => async (context) => {
  const resource = context.resource ?? {};
  const drawn = fate(event, resource.size);
  if (event === 'post_create_in_transaction' && drawn % 4 === 0) {
    await context.tx.create('note', { id: crypto.randomUUID(), name: 'of ' + resource.id });
  }
  if (drawn < 5) throw new ResponseError(409, 'refused');
  if (drawn < 10) throw new ResponseError(202, { taken: true });
  if (drawn < 20) throw new Error('a defect');
  if (drawn === 20) for (;;);
  if (drawn === 21) await new Promise(() => undefined);
};
${STEPS.map((event) => `export const ${event.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())} = step('${event}');`).join('\n')}
`;

const SCHEMAS = [
  SYNC_SCHEMA_TEXT,
  'extensions:',
  extension('gohan', '^/v1/(nets|notes)$', GOHAN),
  extension('module', '^/v1/(ports|vms|quiets)$', MODULE, 'typescript'),
].join('\n');

interface Operation {
  readonly method: 'POST' | 'PUT' | 'DELETE' | 'GET';
  readonly collection: string;
  readonly id: string;
  readonly name: string;
  readonly device: string;
  readonly size: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'PUT', 'PUT', 'DELETE', 'GET'),
  collection: fc.constantFrom('nets', 'ports', 'vms', 'notes', 'quiets'),
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  name: fc.constantFrom('', 'x', 'ä"{}'),
  device: fc.constantFrom('a', 'b', 'c', 'd'),
  size: fc.nat(100_000),
});

/** Codes of answers that a client may see here; anything else, INTERNAL above all, is a defect. */
const EXPECTED = ['EXTENSION_', 'RESOURCE_', 'DATABASE_RETRY', 'NOT_READY'];

/** Sends one request; what the gateway had no time to answer is undefined. */
async function send({ proxyUrl }: Gateway, { method, collection, id, name, device, size }: Operation): Promise<string | undefined> {
  const more = { name, device_id: device, size, ...(collection === 'ports' && method === 'POST' && { net_id: device }) };
  const body = method === 'POST' ? { id, ...more } : method === 'PUT' ? more : undefined;
  const path = `/v1/${collection}${method === 'POST' ? '' : `/${id}`}`;
  const headers = { 'x-auth-token': 'admin_token', ...(body && { 'content-type': 'application/json' }) };
  const answer = await ask(proxyUrl + path, { method, headers, body }).catch(() => undefined);
  return answer === undefined || answer.status < 400 ? undefined : (answer.json<{ code?: string }>().code ?? `status ${answer.status}`);
}

onEveryDatabase((subject) => {
  let servers: EtcdServers;
  let etcd: Etcd;
  let database: Database;
  let gateway: Gateway | undefined;
  before(async () => {
    servers = await startEtcd();
    etcd = openEtcd(servers.endpoints);
    const connection = await subject.createConnection();
    database = await subject.open(connection, { count: 30, intervalMs: 2 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    gateway = await startGateway({
      config: {
        log_level: 'error',
        database: { type: subject.kind, connection },
        schemas: ['./schemas.yaml'],
        keystone: { fake: true },
        etcd: servers.endpoints,
        sync_writer: { leader_ttl: '2s', poll: '500ms', backoff: '500ms' },
        extension: { timelimit: 1, sync_timeout: '1s', quarantine_kills: 1000 },
      },
      files: { 'schemas.yaml': SCHEMAS },
    });
  });
  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database.close();
    await etcd.close();
    await servers[Symbol.asyncDispose]();
  });

  test('whatever clients do, handlers fail at and kill -9 interrupts: etcd holds in the end what the database holds', async () => {
    const running = gateway ?? assert.fail('the gateway is not started');
    const log = await openEventLog(database);
    const witness = startWitness(etcd);
    const lists = fc.array(fc.array(operation, { minLength: OPERATIONS / 2, maxLength: OPERATIONS, size: 'max' }), {
      minLength: CLIENTS,
      maxLength: CLIENTS,
    });
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: OPERATIONS * CLIENTS }), async (clients, killAfter) => {
        const strange = new Set<string>();
        let [sent, kills] = [0, 0];
        let restarted: Promise<void> | undefined;
        const work = async (operations: readonly Operation[]): Promise<void> => {
          for (const one of operations) {
            sent += 1;
            if (sent === killAfter && kills === 0) {
              kills += 1;
              restarted = running.kill().then(() => running.restart());
            }
            const code = await send(running, one);
            if (code !== undefined && !EXPECTED.some((known) => code.startsWith(known)))
              strange.add(`${one.method} ${one.collection}: ${code}`);
            await restarted;
          }
        };
        await Promise.all(clients.map(work));
        await until('the log is delivered', async () => (await log.backlog()).count === 0);
        assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
        assert.deepEqual([...strange], []);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    await witness.close();
    assert.deepEqual(witness.faults(), []);
  });
});
