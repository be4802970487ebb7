import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Etcd } from '../../src/etcd/types.ts';
import { openEventLog } from '../../src/sql/event-log.ts';
import type { Database } from '../../src/sql/types.ts';
import { startBreakableLink } from '../support/breakable-link.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import { changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS } from '../support/sync.ts';
import { changeAtRandom, type Fleet, startFleet, startWitness } from '../support/sync-fleet.ts';
import { until } from '../support/until.ts';

/** Changes of each of the eight writers; 10000 for the long form. */
const CHANGES = Number(process.env['SEKISHO_SYNC_CHANGES'] ?? 150);
/** How long etcd has no quorum. */
const OUTAGE_MS = Number(process.env['SEKISHO_SYNC_OUTAGE_MS'] ?? 2500);
const WRITERS = 8;
const TTL_MS = 2000;

interface Scene {
  readonly database: Database;
  readonly servers: EtcdServers;
  readonly etcd: Etcd;
  readonly fleet: Fleet;
}

/** Writes while `trouble` happens, again and again until the writers are done; then everything must be as it should. */
async function proveDelivery(
  open: () => Promise<{ readonly database: Database; readonly kind: Database['kind']; readonly connection: string }>,
  { members, nodes }: { readonly members: 1 | 3; readonly nodes: number },
  trouble: (scene: Scene, isOver: () => boolean) => Promise<void>,
): Promise<void> {
  await using servers = await startEtcd({ members });
  const etcd = openEtcd(servers.endpoints);
  const { database, kind, connection } = await open();
  const witness = startWitness(etcd);
  try {
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    await using fleet = startFleet({ kind, connection, endpoints: servers.endpoints, nodes, ttlMs: TTL_MS });
    await fleet.ready();
    await fleet.leader();
    let isOver = false;
    const writing = changeAtRandom(changesOf(database), WRITERS, CHANGES).finally(() => (isOver = true));
    await trouble({ database, servers, etcd, fleet }, () => isOver);
    const done = await writing;
    assert.ok(done > (WRITERS * CHANGES) / 2, `${done} changes were made`);
    const log = await openEventLog(database);
    await until('the log is delivered', async () => (await log.backlog()).count === 0, 60_000 + CHANGES * 10);
    assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
    assert.deepEqual(witness.faults(), []);
  } finally {
    await witness.close();
    await etcd.close();
    await database.close();
  }
}

onEveryDatabase(({ kind, open, createConnection }) => {
  const opened = async () => {
    const connection = await createConnection();
    return { kind, connection, database: await open(connection, { count: 30, intervalMs: 5 }) };
  };

  test('leaders that are killed in the middle: everything committed arrives, no version goes back', async () => {
    await proveDelivery(opened, { members: 1, nodes: 3 }, async ({ fleet }, isOver) => {
      let kills = 0;
      while (!isOver() || kills < 2) {
        fleet.replace(await fleet.leader());
        kills += 1;
        await sleep(1000);
      }
    });
  });

  if (kind === 'sqlite3') return;

  test('connections to the database that break in the middle of reads and deletes', async () => {
    const direct = await opened();
    const server = new URL(direct.connection);
    const link = await startBreakableLink(Number(server.port));
    server.port = String(link.port);
    server.hostname = '127.0.0.1';
    try {
      await proveDelivery(
        () => Promise.resolve({ ...direct, connection: server.href }),
        { members: 1, nodes: 2 },
        async ({ fleet }, isOver) => {
          for (let breaks = 0; !isOver() || breaks < 6; breaks += 1) {
            if (breaks % 2 === 0) link.dropAnswers();
            else link.breakAll();
            await sleep(200);
            await fleet.leader();
          }
        },
      );
    } finally {
      await link.close();
    }
  });

  if (kind !== 'postgresql') return;

  test('a leader that is stopped past its lease writes nothing when it goes on', async () => {
    await proveDelivery(opened, { members: 1, nodes: 2 }, async ({ fleet }) => {
      for (let round = 0; round < 2; round += 1) {
        const leader = await fleet.leader();
        leader.process.kill('SIGSTOP');
        await fleet.leader(leader);
        leader.process.kill('SIGCONT');
      }
    });
  });

  test('the leader of etcd is killed, its quorum is lost and healed', async () => {
    await proveDelivery(opened, { members: 3, nodes: 2 }, async ({ servers, fleet }) => {
      const first = await servers.leader();
      await first.kill();
      await fleet.leader();
      const second = await servers.leader();
      await second.kill();
      await sleep(OUTAGE_MS);
      await first.start();
      await second.start();
    });
  });

  test('etcd forgets its history while the leader is cut off', async () => {
    await proveDelivery(opened, { members: 1, nodes: 2 }, async ({ servers, etcd, fleet }) => {
      for (let round = 0; round < 2; round += 1) {
        const leader = await fleet.leader();
        leader.process.kill('SIGSTOP');
        await etcd.put('/elsewhere', String(round));
        await etcd.cluster.compact((await etcd.range({ key: '/elsewhere' })).revision);
        const [member] = servers.members;
        await member?.kill();
        await member?.start();
        leader.process.kill('SIGCONT');
        await fleet.leader();
      }
    });
  });
});
