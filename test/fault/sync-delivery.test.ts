import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBreakableLink } from '../support/breakable-link.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { killLeaders, proveDelivery } from '../support/prove-delivery.ts';

/** How long etcd has no quorum. */
const OUTAGE_MS = Number(process.env['SEKISHO_SYNC_OUTAGE_MS'] ?? 2500);

onEveryDatabase(({ kind, open, createConnection }) => {
  const opened = async () => {
    const connection = await createConnection();
    return { kind, connection, database: await open(connection, { count: 30, intervalMs: 5 }) };
  };

  test('leaders that are killed in the middle: everything committed arrives, no version goes back', async (t) => {
    const proof = await proveDelivery(opened, { members: 1, nodes: 3 }, killLeaders);
    t.diagnostic(proof);
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
