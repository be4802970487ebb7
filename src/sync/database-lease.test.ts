import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryDatabase } from '../../test/support/databases.ts';
import { SYNC_SCHEMAS } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import type { Database } from '../sql/types.ts';
import { createDatabaseLease, type DatabaseLease } from './database-lease.ts';

const TTL_MS = 600;

/** A candidate that tells when it leads, and whose terms last until they are lost. */
function campaign(database: Database, candidate: string) {
  const terms: number[] = [];
  const state = { leads: false };
  const lease: DatabaseLease = createDatabaseLease({
    database,
    name: 'office',
    candidate,
    ttlMs: TTL_MS,
    async lead({ lost, term }) {
      terms.push(term);
      state.leads = true;
      await new Promise<void>((resolve) => {
        lost.addEventListener('abort', () => resolve());
        if (lost.aborted) resolve();
      });
      state.leads = false;
    },
  });
  return { lease, terms, state };
}

onEveryDatabase((subject) => {
  test('one of several leads; when it ends another follows at once, and when it is lost after the time of the lease', async () => {
    const connection = await subject.createConnection();
    const database = await subject.open(connection, { count: 20, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    const candidates = ['a', 'b', 'c'].map((name) => campaign(database, name));
    const leaders = () => candidates.filter(({ state }) => state.leads);
    /** By the clock: a machine that stood still may tell a leader of its end after another one has begun. */
    const holders = () => candidates.filter(({ lease }) => lease.isLeader);
    const taken = await until('one leads', () => leaders()[0]);
    const end = Date.now() + 2 * TTL_MS;
    await until('it stays', () => {
      assert.ok(holders().length <= 1);
      return Date.now() > end;
    });
    // A busy machine may have let the lease run out.
    if (candidates.flatMap(({ terms }) => terms).length === 1) assert.equal(leaders()[0], taken);
    const first = await until('one leads', () => holders()[0]);
    await first.lease.close();
    assert.equal(first.state.leads, false);
    await until('another leads, and all know', () => {
      const [second] = holders();
      return second !== undefined && candidates.every(({ lease }) => lease.leader() === second.lease.leader() || lease === first.lease);
    });
    // Somebody else has taken it, as after a pause of this process.
    const theft = `UPDATE sekisho_leases SET holder = 'thief', term = 100, until_ms = 9000000000000 WHERE name = 'office'`;
    await database.transaction((session) => session.query(theft, []), { isolation: 'READ COMMITTED' });
    await until('it gives up', () => leaders().length === 0 && holders().length === 0);
    const end2 = `UPDATE sekisho_leases SET until_ms = 0 WHERE name = 'office'`;
    await database.transaction((session) => session.query(end2, []), { isolation: 'READ COMMITTED' });
    await until('one leads again', () => leaders().length > 0);
    assert.ok(candidates.some(({ terms }) => terms.includes(101)));
    for (const { lease } of candidates) await lease.close();
    await database.close();
  });

  test('a leader that cannot reach the database gives up before others may follow', async () => {
    const database = await subject.open(await subject.createConnection(), { count: 20, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    let isCut = false;
    const cut: Database = {
      ...database,
      reader: database.reader,
      transaction: (work, options) => (isCut ? new Promise(() => undefined) : database.transaction(work, options)),
    };
    const { lease, state } = campaign(cut, 'a');
    await until('it leads', () => state.leads);
    isCut = true;
    const cutAt = performance.now();
    await until('it gives up', () => {
      if (performance.now() - cutAt >= TTL_MS) assert.equal(lease.isLeader, false, 'within the time of the lease');
      return !state.leads;
    });
    void lease.close();
    await database.close();
  });
});
