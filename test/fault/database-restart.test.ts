import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../support/client.ts';
import { startEtcd } from '../support/etcd.ts';
import { startGateway } from '../support/gateway.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { openEtcd, presentKeys, SYNC_SCHEMA_TEXT } from '../support/sync.ts';
import { startWitness } from '../support/sync-fleet.ts';
import { until } from '../support/until.ts';

const CLIENTS = 4;
const HEADERS = { 'x-auth-token': 'admin_token', 'content-type': 'application/json' };

/** What a client may be told while the database is away. */
const AWAY = ['DATABASE_LOST', 'DATABASE_RETRY'];

interface Server {
  createDatabase(): Promise<string>;
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function startServer(type: 'postgresql' | 'mysql', how: 'shutdown' | 'crash'): Promise<Server> {
  if (type === 'postgresql') {
    const server = await startPostgres();
    return { ...server, halt: () => server.halt(how === 'crash' ? 'SIGQUIT' : 'SIGINT') };
  }
  // A commit outlives the process.
  const server = await startMariadb(['--innodb-flush-log-at-trx-commit=2']);
  return { ...server, halt: () => server.halt(how === 'crash' ? 'SIGKILL' : 'SIGTERM') };
}

for (const type of ['postgresql', 'mysql'] as const)
  describe(type, () => {
    for (const how of ['shutdown', 'crash'] as const)
      test(`a ${how} of the server in the middle of writes and of their delivery loses nothing that was acknowledged`, async () => {
        await using servers = await startEtcd();
        const etcd = openEtcd(servers.endpoints);
        const server = await startServer(type, how);
        const witness = startWitness(etcd);
        try {
          await using gateway = await startGateway({
            config: {
              log_level: 'error',
              database: { type, connection: await server.createDatabase() },
              schemas: ['./schemas.yaml'],
              keystone: { fake: true },
              etcd: servers.endpoints,
              sync_writer: { leader_ttl: '2s', poll: '500ms', backoff: '500ms' },
            },
            files: { 'schemas.yaml': SYNC_SCHEMA_TEXT },
          });
          const call = (method: string, path: string, body?: unknown) => ask(gateway.proxyUrl + path, { method, headers: HEADERS, body });
          const acknowledged = new Map<string, string>();
          const strange = new Set<string>();
          const seen = { isOver: false, failures: 0 };
          /** Creates a network and changes it until that is acknowledged, over and over. */
          const work = async (client: number): Promise<void> => {
            for (let i = 0; !seen.isOver; i += 1) {
              const id = `${client}-${i}`;
              for (const [method, path, body] of [
                ['POST', '/v1/nets', { id, name: 'one' }],
                ['PUT', `/v1/nets/${id}`, { name: 'two' }],
              ] as const) {
                const answer = await call(method, path, body);
                if (answer.status < 300) {
                  acknowledged.set(id, body.name);
                  continue;
                }
                seen.failures += 1;
                const { code = '' } = answer.json<{ code?: string }>();
                // A network whose creation failed is not there to be changed, or is there though nobody was told.
                if (!AWAY.includes(code) && !['RESOURCE_NOT_FOUND', 'RESOURCE_CONFLICT'].includes(code))
                  strange.add(`${method} ${answer.status} ${code}`);
              }
            }
          };
          const working = Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)));
          for (let round = 0; round < 2; round += 1) {
            const before = (await presentKeys(etcd)).size;
            await until('changes are delivered', async () => (await presentKeys(etcd)).size > before + 20);
            const { failures } = seen;
            await server.halt();
            await until('clients see it', () => seen.failures > failures);
            await server.start();
          }
          const done = acknowledged.size;
          await until('it serves again', () => acknowledged.size > done + 20);
          seen.isOver = true;
          await working;
          assert.deepEqual([...strange], []);
          const { nets } = (await call('GET', '/v1/nets?limit=100000')).json<{ nets: { id: string; name: string }[] }>();
          const present = new Map(nets.map(({ id, name }) => [id, name]));
          // What was not acknowledged may be there as well: an answer can be lost after its commit.
          const lost = [...acknowledged].filter(([id, name]) => present.get(id) !== name && present.get(id) !== 'two');
          assert.deepEqual(lost, []);
          await until('etcd has it all', async () => (await presentKeys(etcd)).size === nets.length);
          await until('in its last version', async () => {
            const keys = await presentKeys(etcd);
            return nets.every(({ id, name }) => (keys.get(`/config/v1/nets/${id}`) as { name?: string } | undefined)?.name === name);
          });
          assert.deepEqual(witness.faults(), []);
          await until('it is ready', async () => (await gateway.admin('GET', '/readyz')).status === 200);
        } finally {
          await witness.close();
          await etcd.close();
          await server.stop();
        }
      });
  });
