import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, startAdminStub } from '../../test/support/admin-stub.ts';

async function play(line: string, data: unknown) {
  await using stub = await startAdminStub(() => ({ body: { data } }));
  const result = await runInProcess(['--admin', stub.url, ...line.split(' ')]);
  return { ...result, urls: stub.calls.map(({ url }) => url) };
}

const STATUS = {
  delivery: {
    isLeader: false,
    leader: 'node-2',
    backlog: { count: 3, ageMs: 12_300 },
    delivered: 9,
    lastDeliveryAt: '2026-01-01T00:00:00.000Z',
    blocked: [{ path: '/v1/nets/a', error: { message: 'too large' } }],
    source: { source: 'mysql_binlog', isFollowing: false },
  },
  reports: { isLeader: true, leader: 'node-1' },
  watch: [{ prefix: '/jobs/', isOurs: false, node: 'node-2' }],
  problems: ['changes of /v1/nets/a wait: too large'],
};

test('the status is a line for each thing in a table, and whole elsewhere', async () => {
  const { out, urls } = await play('sync -o table', STATUS);
  assert.deepEqual(urls, ['/api/v1/sync']);
  assert.equal(
    out,
    `WHAT                    STATE
delivered by            node-2
changes that wait       3, the oldest for 12 s
delivered by this node  9, the last at 2026-01-01T00:00:00.000Z
order of                the log itself, not (yet) mysql_binlog
blocked /v1/nets/a      too large
reports are taken by    node-1 (this node)
watch of /jobs/         node-2
problem                 changes of /v1/nets/a wait: too large
`,
  );
  assert.deepEqual(JSON.parse((await play('sync status -o json', STATUS)).out), STATUS);
  const idle = { delivery: { isLeader: false, delivered: 9, blocked: [] }, watch: [], problems: [] };
  assert.match((await play('sync -o table', idle)).out, /^delivered by +nobody\ndelivered by this node +9\n$/m);
  assert.match((await play('sync -o table', { watch: [], problems: [] })).out, /^delivery +none on this node\n/m);
});

test('jobs and differences have words of their own', async () => {
  assert.deepEqual((await play('sync cron', [])).urls, ['/api/v1/sync/cron']);
  assert.deepEqual((await play('sync drift', {})).urls, ['/api/v1/sync/drift']);
  const { exit, err, urls } = await play('sync drifts', {});
  assert.deepEqual([exit, urls], [2, []]);
  assert.match(err, /sync takes one of status, cron, drift/);
});
