import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess } from '../support/admin-stub.ts';
import { ask } from '../support/client.ts';
import { startEtcd } from '../support/etcd.ts';
import { startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { openEtcd, presentKeys } from '../support/sync.ts';
import { until } from '../support/until.ts';

const SCHEMAS = ['schemas:', schema('net', [property('name', 'string')]).replace('prefix: /t', 'prefix: /v1')].join('\n');

interface Status {
  readonly delivery: {
    readonly isLeader: boolean;
    readonly leader?: string;
    readonly backlog?: { readonly count: number };
    readonly lastDeliveryAt?: string;
    readonly blocked: readonly {
      readonly path: string;
      readonly since: string;
      readonly error: { readonly message: string; readonly help: string };
    }[];
  };
  readonly problems: readonly string[];
}

test('what hinders the delivery is told wherever an operator looks, and how to mend it', async () => {
  await using servers = await startEtcd();
  const etcd = openEtcd(servers.endpoints);
  try {
    await using gateway = await startGateway({
      config: {
        log_level: 'warn',
        database: { type: 'sqlite3', connection: './models.db' },
        schemas: ['./schemas.yaml'],
        keystone: { fake: true },
        etcd: servers.endpoints,
        etcd_timeout_ms: 10_000,
        sync_writer: { leader_ttl: '6s', poll: '1s', backoff: '500ms' },
      },
      files: { 'schemas.yaml': SCHEMAS },
    });
    const status = async () => (await gateway.admin('GET', '/api/v1/sync')).json<{ data: Status }>().data;
    const create = async (id: string, name: string): Promise<void> => {
      const headers = { 'x-auth-token': 'admin_token' };
      assert.equal((await ask(`${gateway.proxyUrl}/v1/nets`, { method: 'POST', headers, body: { id, name } })).status, 201);
    };
    const problem = (pattern: RegExp) => until(String(pattern), async () => (await status()).problems.some((text) => pattern.test(text)));
    const isWell = () =>
      until('all is well', async () => (await status()).problems.length === 0 && (await status()).delivery.backlog?.count === 0);
    const metric = async (line: string): Promise<boolean> => (await gateway.admin('GET', '/metrics')).text.includes(`\n${line}\n`);

    await create('a', 'one');
    await isWell();
    assert.match((await status()).delivery.lastDeliveryAt ?? '', /^\d{4}-\d\d-\d\dT/);

    // One value that etcd does not take.
    await create('huge', 'x'.repeat(2_500_000));
    await problem(/changes of \/v1\/nets\/huge wait: etcd takes no value as large .* --max-request-bytes/);
    const { blocked } = await until('it is shown', async () => {
      const { delivery } = await status();
      return delivery.blocked.length > 0 && delivery;
    });
    assert.equal(blocked[0]?.path, '/v1/nets/huge');
    assert.match(blocked[0]?.since ?? '', /^\d{4}-/);
    assert.match(blocked[0]?.error.help ?? '', /smaller version of it takes its place/);
    await until('the command shows it', async () => {
      const { out } = await runInProcess(['--admin', gateway.adminUrl, 'sync', '-o', 'table']);
      return /^delivered by +\S+ \(this node\)\n/m.test(out) && /^blocked \/v1\/nets\/huge +etcd takes no value as large/m.test(out);
    });
    const headers = { 'x-auth-token': 'admin_token' };
    await ask(`${gateway.proxyUrl}/v1/nets/huge`, { method: 'DELETE', headers });
    await isWell();

    // No etcd at all: nothing is lost, and it is counted what waits.
    const [member] = servers.members;
    await member?.kill();
    await create('b', 'two');
    await problem(/^no node delivers the event log; a change waits$/);
    assert.match((await gateway.admin('GET', '/readyz')).text, /no node delivers the event log; a change waits/);
    assert.equal((await gateway.admin('GET', '/readyz')).status, 200);
    await until('the metrics tell it', () => metric('sekisho_sync_backlog 1'));
    await member?.start();
    await isWell();
    await until('the metrics tell it', () => metric('sekisho_sync_backlog 0'));
    assert.deepEqual([...(await presentKeys(etcd)).keys()].toSorted(), ['/config/v1/nets/a', '/config/v1/nets/b']);
    assert.doesNotMatch((await gateway.admin('GET', '/metrics')).text, /sekisho_errors_total\{code="INTERNAL"\}/);
  } finally {
    await etcd.close();
  }
});
