import { randomBytes } from 'node:crypto';
import type { EtcdServers } from './etcd.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { until } from './until.ts';

/** Gateways that share one state. */
export interface TestFleet extends AsyncDisposable {
  readonly gateways: readonly Gateway[];
  /** Settles when the nodes in `GET /api/v1/cluster/nodes` of every gateway are these many. */
  untilJoined(count?: number): Promise<void>;
}

export interface FleetStart {
  readonly nodes: number;
  readonly workers?: number;
  /** Merged over the configuration of one node. */
  readonly config?: (index: number) => Readonly<Record<string, unknown>>;
}

/** Starts gateways named `node-1`, `node-2`, … on an etcd, in folders of their own. */
export async function startFleet(etcd: EtcdServers, { nodes, workers = 0, config = () => ({}) }: FleetStart): Promise<TestFleet> {
  const storage = {
    type: 'etcd',
    endpoints: etcd.endpoints,
    prefix: `/fleet-${randomBytes(4).toString('hex')}`,
    dir: 'state',
    // A busy disk syncs for seconds.
    timeout: '15s',
    encryption_key: randomBytes(32).toString('hex'),
  };
  const started = await Promise.allSettled(
    Array.from({ length: nodes }, async (_, i) =>
      startGateway({ config: { node_id: `node-${i + 1}`, workers, storage, ...config(i) }, readyTimeoutMs: 120_000 }),
    ),
  );
  const gateways = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async (): Promise<void> => void (await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]())));
  const failure = started.find((each) => each.status === 'rejected');
  if (failure?.status === 'rejected') {
    await stop();
    throw failure.reason;
  }
  return {
    gateways,
    async untilJoined(count = nodes) {
      for (const gateway of gateways)
        await until(`${count} nodes are known`, async () => {
          const answer = await gateway.admin('GET', '/api/v1/cluster/nodes').catch(() => undefined);
          return answer?.status === 200 && answer.json().count === count;
        });
    },
    [Symbol.asyncDispose]: stop,
  };
}
