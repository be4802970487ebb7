import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Database } from '../../src/sql/types.ts';
import { ask } from '../support/client.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { createTempFolder } from '../support/temp.ts';
import { until } from '../support/until.ts';

const SCHEMAS = `schemas:\n${schema('host', [
  property('name', 'string', 'unique: true'),
  property('rack_id', "[string, 'null']", 'relation: rack, relation_property: rack'),
])}${schema('rack', [property('first_id', "[string, 'null']", 'relation: host')])}`;

/** Per server: takes the lock of migrations, gives it back, and counts those who wait for it. */
const LOCKS = {
  postgresql: {
    take: 'SELECT pg_advisory_xact_lock(1397050697)',
    give: undefined,
    waiting: "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
  },
  mysql: {
    take: "SELECT GET_LOCK('sekisho.migration', 0)",
    give: "SELECT RELEASE_LOCK('sekisho.migration')",
    waiting: "SELECT count(*) AS n FROM information_schema.processlist WHERE state = 'User lock'",
  },
} as const;

async function count(database: Database, query: string): Promise<number> {
  const [row] = await database.reader.query(query, []);
  return Number(row?.['n']);
}

onEveryDatabase((subject) => {
  test('gateways that are started at once make the tables once, and all of them serve', async () => {
    const connection = await subject.createConnection();
    const start = () =>
      startGateway({
        config: { database: { type: subject.kind, connection }, schemas: ['./schemas.yaml'], keystone: { fake: true } },
        files: { 'schemas.yaml': SCHEMAS },
      });
    const gateways = await Promise.all([start(), start(), start()]);
    const headers = { 'x-auth-token': 'admin_token' };
    for (const [index, { proxyUrl }] of gateways.entries()) {
      const { status } = await ask(`${proxyUrl}/t/racks`, { method: 'POST', headers, body: { id: `r${index}` } });
      assert.equal(status, 201);
    }
    const { racks } = (await ask(`${gateways[0].proxyUrl}/t/racks`, { headers })).json();
    assert.equal(racks.length, 3);
    await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
  });

  if (subject.kind === 'sqlite3') return;
  const lock = LOCKS[subject.kind];

  test('a node that starts while another one migrates waits until that has ended', async () => {
    const connection = await subject.createConnection();
    using folder = createTempFolder();
    folder.write('schemas.yaml', SCHEMAS);
    const database = await subject.open(connection);
    const node = join(import.meta.dirname, 'migrating-node.ts');
    for (const [work, path] of [
      ['prepare', `${folder.path}/schemas.yaml`],
      ['up', folder.path],
    ] as const) {
      const exit = await database.transaction(
        async (session) => {
          await session.query(lock.take, []);
          const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', node, subject.kind, connection, work, path], {
            stdio: ['ignore', 'ignore', 'inherit'],
          });
          const ended = once(child, 'exit');
          await until(`${work} waits`, async () => (await count(database, lock.waiting)) === 1);
          const made = `SELECT count(*) AS n FROM information_schema.tables WHERE table_name IN ('hosts', 'racks', 'goose_db_version')
                        AND table_schema NOT IN ('pg_catalog')${subject.kind === 'mysql' ? ' AND table_schema = database()' : ''}`;
          assert.equal(await count(database, made), work === 'prepare' ? 0 : 2);
          if (lock.give !== undefined) await session.query(lock.give, []);
          return { ended };
        },
        { isolation: 'READ COMMITTED' },
      );
      assert.deepEqual(await exit.ended, [0, null]);
    }
    await database.close();
  });
});
