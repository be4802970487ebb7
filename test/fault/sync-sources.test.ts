import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChangeSource } from '../../src/sql/change-source.ts';
import { openDatabase } from '../../src/sql/open-database.ts';
import type { Database } from '../../src/sql/types.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { killLeaders, proveDelivery, type Trouble } from '../support/prove-delivery.ts';
import { until } from '../support/until.ts';

interface Subject {
  readonly kind: Database['kind'];
  readonly source: ChangeSource['name'];
  start(): Promise<{ createDatabase(): Promise<string>; stop(): Promise<void> }>;
}

const SUBJECTS: readonly Subject[] = [
  { kind: 'postgresql', source: 'postgres_replication', start: () => startPostgres(['wal_level=logical']) },
  {
    kind: 'mysql',
    source: 'mysql_binlog',
    start: () => startMariadb(['--log-bin=binlog', '--binlog-format=ROW', '--server-id=7']),
  },
];

/** Leaders are killed once they take the order from replication; then the stream of each goes on where that of the one before ended. */
const killFollowers: Trouble = async (scene, isOver) => {
  const { fleet } = scene;
  await until('the first leader follows', () => fleet.told('source following') > 0);
  await killLeaders(scene, isOver);
  await until('the last leader follows', async () => (await fleet.leader()).lines.includes('source following'));
  assert.equal(fleet.told('source gap'), 0, 'no place was lost');
};

for (const { kind, source, start } of SUBJECTS) {
  describe(source, () => {
    test('leaders that are killed in the middle: everything committed arrives, no version goes back', async (t) => {
      const server = await start();
      try {
        const open = async () => {
          const connection = await server.createDatabase();
          const retry = { count: 30, intervalMs: 5 };
          return { kind, connection, database: await openDatabase({ type: kind, connection, maxOpenConnections: 8, retry }) };
        };
        t.diagnostic(await proveDelivery(open, { members: 1, nodes: 3, source }, killFollowers));
      } finally {
        await server.stop();
      }
    });
  });
}
