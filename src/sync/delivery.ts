import { createElection } from '../etcd/election.ts';
import type { Etcd, Leadership } from '../etcd/types.ts';
import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { EventLog } from '../sql/event-log.ts';
import type { Database } from '../sql/types.ts';
import { type Drift, measureDrift } from './drift.ts';
import { createEtcdSink } from './etcd-sink.ts';
import { layoutOf } from './layout.ts';
import { NOTICE_KEY, PUBLISHER_KEY } from './names.ts';
import { createNotices } from './notices.ts';
import { leadsAs } from './office.ts';
import { pause } from './pause.ts';
import { createPublisher, type PublisherStatus } from './publisher.ts';
import { createWake } from './wake.ts';

export interface DeliveryOptions {
  readonly etcd: Etcd;
  readonly database: Database;
  readonly log: EventLog;
  schemas(): SchemaSet;
  readonly node: string;
  readonly ttlMs: number;
  readonly pollMs: number;
  readonly backoffMs: number;
  /** How often database and etcd are compared; 0 for never. */
  readonly driftIntervalMs: number;
}

export interface DeliveryStatus extends PublisherStatus {
  readonly isLeader: boolean;
  readonly leader: string | undefined;
  /** As last seen by this node while it led. */
  readonly backlog: { readonly count: number; readonly ageMs: number } | undefined;
  readonly drift: Drift | undefined;
}

export interface Delivery {
  status(): DeliveryStatus;
  close(): Promise<void>;
}

/** Delivers the event log to etcd from whichever node leads, and compares the two now and then. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { etcd, database, log, pollMs } = options;
  const wake = createWake();
  const layout = () => layoutOf(options.schemas());
  const publisher = createPublisher({ log, sink: createEtcdSink({ etcd, layout }), wake, pollMs, backoffMs: options.backoffMs });
  let backlog: DeliveryStatus['backlog'];
  let drift: Drift | undefined;
  /** Beside the publisher, until its term is over. */
  const every = async (intervalMs: number, lost: AbortSignal, where: string, work: () => Promise<void>): Promise<void> => {
    while (!lost.aborted) {
      await pause(intervalMs, lost);
      if (lost.aborted) return;
      try {
        await work();
      } catch (error) {
        if (!lost.aborted) observe({ type: 'error', error: toSekishoError(error), where });
      }
    }
  };
  const count = async (): Promise<void> => {
    const { count: rows, oldest } = await log.backlog();
    backlog = { count: rows, ageMs: rows === 0 ? 0 : Math.max(0, Date.now() - oldest * 1000) };
    observe({ type: 'sync.backlog', ...backlog });
  };
  const lead = async ({ fence, lost }: Leadership): Promise<void> => {
    const over = new AbortController();
    const ended = AbortSignal.any([lost, over.signal]);
    const notices = etcd.watch({ prefix: NOTICE_KEY, relistMs: 0, onList: () => wake.ring(), onEvents: () => wake.ring() });
    const compare = async (): Promise<void> => {
      drift = await measureDrift({ database, log, etcd, layout: layout(), signal: ended });
    };
    const beside = [every(Math.max(pollMs, 1000), ended, 'counting the event log', count)];
    if (options.driftIntervalMs > 0) beside.push(every(options.driftIntervalMs, ended, 'comparing database and etcd', compare));
    try {
      await publisher.run({ compare: fence, lost });
    } finally {
      over.abort();
      await Promise.all([...beside, notices.close()]);
    }
  };
  const election = createElection({
    etcd,
    key: PUBLISHER_KEY,
    candidate: options.node,
    ttlMs: options.ttlMs,
    ...leadsAs('publisher', lead),
  });
  const notices = createNotices({ etcd, log, isHere: () => election.isLeader });
  const stopListening = database.onLogged(() => {
    wake.ring();
    notices.committed();
  });
  return {
    status: () => ({
      ...publisher.status(),
      isLeader: election.isLeader,
      leader: election.leader()?.candidate,
      backlog: election.isLeader ? backlog : undefined,
      drift: election.isLeader ? drift : undefined,
    }),
    async close() {
      stopListening();
      await Promise.all([election.close(), notices.close()]);
    },
  };
}
