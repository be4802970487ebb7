import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { openDatabase } from '../../src/sql/open-database.ts';
import type { Database } from '../../src/sql/types.ts';
import { ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const ADMIN = { 'x-auth-token': 'admin_token' };
const SCHEMAS = `schemas:
- id: item
  singular: item
  plural: items
  prefix: /v1
  title: t
  description: d
  metadata: {state_versioning: true}
  schema:
    type: object
    properties:
      id: {title: t, description: d, type: string, permission: [create]}
      n: {title: t, description: d, type: integer, permission: [create, update]}
policies:
- {action: '*', effect: allow, id: admins, principal: admin, resource: {path: .*}}
`;
const ROUNDS = 3;
const ITEMS = 4;
const UPDATES = 5;

interface Sent {
  readonly path: string;
  readonly version: number;
  readonly resource: { readonly n: number };
}

/** Takes what it gets, and fails now and then. */
async function startReceiver() {
  const taken: Sent[] = [];
  let count = 0;
  const server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      count += 1;
      if (count % 7 === 0) return void response.writeHead(503).end();
      const event = JSON.parse(text) as Sent;
      if (event.path.endsWith('/refused')) return void response.writeHead(400).end();
      taken.push(event);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    taken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Subject {
  readonly type: Database['kind'];
  readonly source: string;
  start(): Promise<{ createDatabase(): Promise<string>; restart(): Promise<void>; stop(): Promise<void> }>;
  /** The stream cannot go on where it was. */
  lose(database: Database): Promise<void>;
}

const SUBJECTS: readonly Subject[] = [
  {
    type: 'postgresql',
    source: 'postgres_replication',
    start: () => startPostgres(['wal_level=logical']),
    async lose(database) {
      await until('the slot is dropped', async () => {
        await database.reader.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL', []);
        const drop = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE active_pid IS NULL';
        return (await database.reader.query(drop, [])).length > 0;
      });
    },
  },
  {
    type: 'mysql',
    source: 'mysql_binlog',
    start: () => startMariadb(['--log-bin=binlog', '--binlog-format=ROW', '--server-id=7', '--innodb-flush-log-at-trx-commit=1']),
    async lose(database) {
      await database.reader.query('RESET MASTER', []);
    },
  },
];

for (const subject of SUBJECTS) {
  describe(subject.source, () => {
    test('gateways that are killed, a database that is restarted and a place that is lost cost no change, and put none out of order', async () => {
      const server = await subject.start();
      try {
        await using receiver = await startReceiver();
        const connection = await server.createDatabase();
        const config = {
          schemas: ['./schemas.yaml'],
          database: { type: subject.type, connection, no_init: false, connection_wait: '20s' },
          keystone: { fake: true },
          sync_source: { type: subject.source },
          sync_writer: { leader_ttl: '3s', poll: '500ms', backoff: '200ms' },
          webhooks: [{ name: 'r', url: receiver.url, secret: 's', backoff: '10ms', retries: 100 }],
        };
        await using gateway = await startGateway({ config, files: { 'schemas.yaml': SCHEMAS } });
        const database = await openDatabase({ type: subject.type, connection, maxOpenConnections: 2, retry: { count: 5, intervalMs: 5 } });
        try {
          const wanted = await changeThroughTrouble(gateway, subject, server, database);
          await until('every item is there as it is', () => lastOf(receiver.taken, wanted));
        } finally {
          await database.close();
        }
        const status = async () =>
          (await gateway.admin('GET', '/api/v1/sync')).json<{ data: { delivery: { source: { source: string; isFollowing: boolean } } } }>()
            .data;
        await until('replication tells the order', async () => (await status()).delivery.source.isFollowing);
        assert.equal((await status()).delivery.source.source, subject.source);
        // Once when the place was lost; on a first start there is none.
        assert.equal(gateway.log().split('may have missed changes').length - 1, 1);
        for (const path of new Set(receiver.taken.map((event) => event.path))) {
          const versions = receiver.taken.filter((event) => event.path === path).map(({ version }) => version);
          assert.deepEqual(
            versions,
            versions.toSorted((a, b) => a - b),
            path,
          );
          assert.deepEqual(
            [...new Set(versions)],
            Array.from({ length: Math.max(...versions) }, (_, i) => i + 1),
            path,
          );
        }
        const post = await item(gateway, 'POST', '', { id: 'refused', n: 0 });
        assert.equal(post.status, 201);
        const letters = async () =>
          (await gateway.admin('GET', '/api/v1/sync/webhooks/r/dead-letters')).json<{ data: { path: string }[] }>().data;
        await until('it is a dead letter', async () => (await letters()).length === 1);
        assert.equal((await letters())[0]?.path, '/v1/items/refused');
        await until('it is told', async () => (await gateway.admin('GET', '/readyz')).text.includes('dead letter'));
        const gone = await gateway.admin('DELETE', '/api/v1/sync/webhooks/r/dead-letters', {});
        assert.deepEqual(gone.json<{ data: unknown }>().data, { count: 1 });
        assert.equal((await gateway.admin('GET', '/api/v1/sync/webhooks/q/dead-letters')).status, 404);
      } finally {
        await server.stop();
      }
    });
  });
}

function item(gateway: Gateway, method: string, path: string, body: unknown) {
  return ask(`${gateway.proxyUrl}/v1/items${path}`, { method, headers: ADMIN, body });
}

/** Writes until it is taken: servers go away meanwhile. Gives the last number of each item. */
async function changeThroughTrouble(
  gateway: Gateway,
  subject: Subject,
  server: { restart(): Promise<void> },
  database: Database,
): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>();
  const write = (id: string, n: number) =>
    until(`${id} is written`, async () => {
      const [method, path, body] = last.has(id) ? (['PUT', `/${id}`, { n }] as const) : (['POST', '', { id, n }] as const);
      const answer = await item(gateway, method, path, body).catch(() => undefined);
      // It was made though nobody said so.
      if (answer?.status === 409) last.set(id, -1);
      return answer !== undefined && answer.status < 300;
    });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let n = 0; n < UPDATES; n += 1)
      for (let i = 0; i < ITEMS; i += 1) {
        await write(`i${i}`, round * UPDATES + n);
        last.set(`i${i}`, round * UPDATES + n);
      }
    if (round === 0) {
      await gateway.kill();
      await gateway.restart();
    }
    if (round === 1) {
      await server.restart();
      await until('the database is back', () =>
        database.reader.query('SELECT 1', []).then(
          () => true,
          () => false,
        ),
      );
      await gateway.kill();
      await subject.lose(database);
      await gateway.restart();
    }
  }
  return last;
}

function lastOf(taken: readonly Sent[], wanted: ReadonlyMap<string, number>): boolean {
  return [...wanted].every(([id, n]) => taken.findLast(({ path }) => path === `/v1/items/${id}`)?.resource.n === n);
}
