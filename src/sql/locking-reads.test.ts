import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { TRUE } from '../schema/filter.ts';
import type { LockPolicy } from '../schema/types.ts';
import type { Database, Selection, Session } from './types.ts';

const schema = (id: string, properties = ''): string => `
- id: ${id}
  singular: ${id}
  plural: ${id}s
  title: t
  description: d
  schema:
    type: object
    properties:
      id: {title: t, description: d, type: string}
      name: {title: t, description: d, type: [string, 'null']}
${properties}`;
const relation = (to: string): string =>
  `      ${to}_id: {title: t, description: d, type: [string, 'null'], relation: ${to}, relation_property: ${to}}\n`;
const SCHEMAS = schemasOf(
  `schemas:${schema('site')}${schema('rack', relation('site'))}${schema('owner')}${schema('host', relation('rack') + relation('owner'))}`,
);
const type = (id: string) => SCHEMAS.resources.get(id) ?? assert.fail();
const COMMITTED = { isolation: 'READ COMMITTED' } as const;

const ROWS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['site', { id: 's1', name: 'north' }],
  ['site', { id: 's2' }],
  ['rack', { id: 'r1', site_id: 's1' }],
  ['rack', { id: 'r2', site_id: 's2' }],
  ['host', { id: 'h1', rack_id: 'r1' }],
  ['host', { id: 'h2', rack_id: 'r2' }],
];
const NAMES = ROWS.map(([table, { id }]) => `${table}s ${String(id)}`);

onEveryDatabase((subject) => {
  let database: Database;
  let other: Database;
  before(async () => {
    const connection = await subject.createConnection();
    database = await subject.open(connection);
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    await database.transaction(async (session) => {
      for (const [id, row] of ROWS) await session.insert(type(id), row);
    }, COMMITTED);
    other = await subject.open(connection);
  });
  after(async () => {
    await Promise.all([database.close(), other.close()]);
  });

  /** The rows that another connection finds locked after `work` in a transaction that is still open. */
  const lockedBy = (work: (session: Session) => Promise<unknown>): Promise<readonly string[]> =>
    database.transaction(async (session) => {
      await work(session);
      const locked: string[] = [];
      for (const name of NAMES) {
        const [table, id] = name.split(' ');
        const attempt = other.transaction(
          (prober) => prober.query(`SELECT id FROM ${table} WHERE id = ? FOR UPDATE NOWAIT`, [id]),
          COMMITTED,
        );
        await attempt.catch((error: { code?: string }) => {
          assert.equal(error.code, 'DATABASE_RETRY');
          locked.push(name);
        });
      }
      return locked;
    }, COMMITTED);
  const selection = (lock: LockPolicy, embed: boolean): Selection => ({ filter: TRUE, embed, lock });

  if (subject.kind === 'sqlite3') {
    test('the one writer has everything to itself, with whatever lock', async () => {
      const order: string[] = [];
      let second: Promise<unknown> | undefined;
      await database.transaction(async (session) => {
        second = other.transaction(async () => void order.push('second'), COMMITTED);
        const row = await session.fetch(type('host'), 'h1', selection('lock_related', true));
        assert.deepEqual(row?.['rack_id'], 'r1');
        order.push('first');
      }, COMMITTED);
      await second;
      assert.deepEqual(order, ['first', 'second']);
    });
    return;
  }

  test('skip_related locks the row alone', async () => {
    assert.deepEqual(await lockedBy((session) => session.fetch(type('host'), 'h1', selection('skip_related', false))), ['hosts h1']);
    assert.deepEqual(await lockedBy((session) => session.fetch(type('host'), 'h1', selection('none', true))), []);
  });

  test('lock_related locks what the row embeds too, at every depth, and no other rows', async () => {
    for (const embed of [false, true]) {
      const locked = await lockedBy(async (session) => {
        const row = await session.fetch(type('host'), 'h1', selection('lock_related', embed));
        assert.equal(row?.['rack_id'], 'r1');
        assert.equal('rack' in row, embed);
      });
      assert.deepEqual(locked, ['sites s1', 'racks r1', 'hosts h1']);
    }
  });

  test('a list locks its page with what that embeds', async () => {
    const page: Selection = {
      ...selection('lock_related', true),
      limit: 1,
      sort: [{ property: 'id', descending: true }],
      fields: ['name'],
    };
    const locked = await lockedBy(async (session) => {
      assert.deepEqual(await session.list(type('host'), page), [{ name: null }]);
    });
    assert.deepEqual(locked, ['sites s2', 'racks r2', 'hosts h2']);
  });

  test('a row that is not there locks nothing of the others', async () => {
    assert.deepEqual(await lockedBy((session) => session.fetch(type('host'), 'none', selection('lock_related', true))), []);
  });
});
