import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemasOf } from '../../test/support/databases.ts';
import { startEtcd } from '../../test/support/etcd.ts';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import { openEventLog } from '../sql/event-log.ts';
import { openChanges } from '../sql/open-changes.ts';
import { openDatabase } from '../sql/open-database.ts';
import { createFollowedLog } from './followed-log.ts';
import { createSync } from './sync.ts';
import { createWake } from './wake.ts';

const NET = syncType('net');
const SLOT = 'sekisho_test';

test('what the server lacks is told together with what to set', async () => {
  const server = await startPostgres();
  const connection = await server.createDatabase();
  const database = await openDatabase({ type: 'postgresql', connection, maxOpenConnections: 2, retry: { count: 0, intervalMs: 5 } });
  await database.prepare(schemasOf('schemas: []\n'), { autoMigrate: true, cascadeDelete: false });
  const options = { type: 'postgres_replication', connection, slot: 's', publication: 'p', serverId: 0 } as const;
  await assert.rejects(openChanges(database, options), { code: 'SYNC_SOURCE', message: /wal_level is replica; set wal_level = logical/ });
  await database.close();
  await server.stop();

  const other = await startMariadb();
  const address = await other.createDatabase();
  const mysql = await openDatabase({ type: 'mysql', connection: address, maxOpenConnections: 2, retry: { count: 0, intervalMs: 5 } });
  await assert.rejects(openChanges(mysql, { ...options, type: 'mysql_binlog', connection: address }), {
    code: 'SYNC_SOURCE',
    message: /log_bin is OFF; set log_bin.*binlog_format is MIXED; set binlog_format = ROW/,
  });
  await mysql.close();
  await other.stop();
});

test('an idle database does not keep the log of the server', async () => {
  const server = await startPostgres(['wal_level=logical', 'wal_sender_timeout=2s']);
  const connection = await server.createDatabase();
  const elsewhere = await openDatabase({
    type: 'postgresql',
    connection: await server.createDatabase(),
    maxOpenConnections: 2,
    retry: { count: 0, intervalMs: 5 },
  });
  const database = await openDatabase({ type: 'postgresql', connection, maxOpenConnections: 4, retry: { count: 0, intervalMs: 5 } });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  const source = await openChanges(database, { type: 'postgres_replication', connection, slot: SLOT, publication: 'p', serverId: 0 });
  const lost = new AbortController();
  const followed = createFollowedLog({
    log: await openEventLog(database),
    source,
    wake: createWake(),
    backoffMs: 100,
    onGap: () => assert.fail(),
  });
  const running = followed.run(lost.signal);
  await until('it follows', () => followed.status().isFollowing);
  await elsewhere.reader.query('CREATE TABLE t AS SELECT generate_series(1, 50000) AS n', []);
  const [row] = await elsewhere.reader.query('SELECT pg_current_wal_lsn()::text AS place', []);
  await until('the slot passes it', async () => {
    const text = `SELECT confirmed_flush_lsn >= '${String(row?.['place'])}'::pg_lsn AS done FROM pg_replication_slots WHERE slot_name = '${SLOT}'`;
    return (await elsewhere.reader.query(text, []))[0]?.['done'] === true;
  });
  lost.abort();
  await running;
  await database.close();
  await elsewhere.close();
  await server.stop();
});

test('a slot that fell behind too far is made anew', async () => {
  const server = await startPostgres(['wal_level=logical', 'max_slot_wal_keep_size=1MB', 'min_wal_size=32MB', 'max_wal_size=32MB']);
  const connection = await server.createDatabase();
  const database = await openDatabase({ type: 'postgresql', connection, maxOpenConnections: 4, retry: { count: 0, intervalMs: 5 } });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  const log = await openEventLog(database);
  const source = await openChanges(database, { type: 'postgres_replication', connection, slot: SLOT, publication: 'p', serverId: 0 });
  const gaps: string[] = [];
  const follow = async (during: () => Promise<void>): Promise<void> => {
    const lost = new AbortController();
    const followed = createFollowedLog({ log, source, wake: createWake(), backoffMs: 100, onGap: (reason) => void gaps.push(reason) });
    const running = followed.run(lost.signal);
    await until('it follows', () => followed.status().isFollowing);
    await during();
    lost.abort();
    await running;
  };
  await follow(() => Promise.resolve());
  await until('the slot is lost', async () => {
    await database.reader.query('CREATE TABLE IF NOT EXISTS filler (n integer)', []);
    await database.reader.query('INSERT INTO filler VALUES (1)', []);
    await database.reader.query('SELECT pg_switch_wal()', []);
    await database.reader.query('CHECKPOINT', []);
    const [slot] = await database.reader.query(`SELECT wal_status FROM pg_replication_slots WHERE slot_name = '${SLOT}'`, []);
    return slot?.['wal_status'] === 'lost';
  });
  assert.deepEqual(gaps, []);
  await follow(() => Promise.resolve());
  assert.match(gaps[0] ?? '', /was invalidated.*max_slot_wal_keep_size/);
  await database.close();
  await server.stop();
});

test('after a gap etcd is made to hold what the database holds', async () => {
  const server = await startPostgres(['wal_level=logical']);
  await using servers = await startEtcd();
  const etcd = openEtcd(servers.endpoints);
  const connection = await server.createDatabase();
  const database = await openDatabase({ type: 'postgresql', connection, maxOpenConnections: 6, retry: { count: 0, intervalMs: 5 } });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  const start = async (node: string) =>
    await createSync({
      etcd,
      models: { database, schemas: () => SYNC_SCHEMAS },
      node,
      runEvent: () => Promise.resolve({}),
      ttlMs: 1500,
      pollMs: 300,
      backoffMs: 300,
      driftIntervalMs: 0,
      source: await openChanges(database, { type: 'postgres_replication', connection, slot: SLOT, publication: 'p', serverId: 0 }),
    });
  const first = await start('first');
  await changesOf(database).create(NET, { id: 'a' });
  await until('etcd has it', async () => (await presentKeys(etcd)).size === 1);
  await until('it follows', () => first.status().delivery?.source?.isFollowing);
  await first.close();
  await etcd.delete({ prefix: '/config/' });
  const drop = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${SLOT}' AND active_pid IS NULL`;
  await until('the slot is dropped', async () => (await database.reader.query(drop, [])).length > 0);
  const second = await start('second');
  await until('etcd has it again', async () => (await presentKeys(etcd)).size === 1);
  assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
  await until('it follows', () => second.status().delivery?.source?.isFollowing);
  assert.deepEqual(second.status().problems, []);
  await second.close();
  await etcd.close();
  await database.close();
  await server.stop();
});
