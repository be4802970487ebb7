import { createElection } from '../etcd/election.ts';
import type { Compare, Etcd, Leadership } from '../etcd/types.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { ChangeSource } from '../sql/change-source.ts';
import type { EventLog } from '../sql/event-log.ts';
import type { Database } from '../sql/types.ts';
import { type Backlog, createBacklogCount } from './backlog-count.ts';
import { beside, type SideWork } from './beside.ts';
import { createDatabaseLease } from './database-lease.ts';
import { type Drift, measureDrift } from './drift.ts';
import { createEtcdSink } from './etcd-sink.ts';
import { createFollowedLog, type FollowedLogStatus } from './followed-log.ts';
import { createGapRepair } from './gap-repair.ts';
import { layoutOf } from './layout.ts';
import { NOTICE_KEY, PUBLISHER_KEY } from './names.ts';
import { createNotices } from './notices.ts';
import { leadsAs, type Term } from './office.ts';
import { pause } from './pause.ts';
import { createPublisher, type PublisherStatus } from './publisher.ts';
import { resync } from './resync.ts';
import type { Sink } from './types.ts';
import { createWake } from './wake.ts';

export interface DeliveryOptions {
  /** Absent: what is delivered goes to receivers alone, from the node that holds a lease in the database. */
  readonly etcd?: Etcd;
  readonly database: Database;
  readonly log: EventLog;
  schemas(): SchemaSet;
  /** See `database-id.ts`. */
  readonly databaseId?: string;
  readonly node: string;
  readonly ttlMs: number;
  readonly pollMs: number;
  readonly backoffMs: number;
  /** How often database and etcd are compared; 0 for never. */
  readonly driftIntervalMs: number;
  /** Tells of changes in the order of their commits; without it the log is read. */
  readonly source?: ChangeSource;
  /** Runs beside the publisher wherever that runs: sends to receivers what the log gave them. */
  forward?(lost: AbortSignal): Promise<void>;
}

export interface DeliveryStatus extends PublisherStatus {
  readonly isLeader: boolean;
  readonly leader: string | undefined;
  /** Undefined where another node leads, and before it was first counted. */
  readonly backlog: Backlog | undefined;
  readonly drift: Drift | undefined;
  /** Where the order comes from, when not from the log itself. */
  readonly source: FollowedLogStatus | undefined;
}

export interface Delivery {
  status(): DeliveryStatus;
  close(): Promise<void>;
}

/** Who delivers: one of all nodes. */
interface Office {
  readonly isLeader: boolean;
  leader(): string | undefined;
  close(): Promise<void>;
}

/** Receivers have queues of their own, which the log fills when rows are removed: nothing else is to be done. */
const ONLY_RECEIVERS: Sink = {
  name: 'receivers',
  publish: (batch) => Promise.resolve({ delivered: batch.map(({ id }) => id), refused: [] }),
};

/** Delivers the event log to etcd, to receivers, or to both, from whichever node leads; and compares database and etcd now and then. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { etcd, database, log, pollMs, backoffMs } = options;
  const identified = options.databaseId === undefined ? {} : { databaseId: options.databaseId };
  const wake = createWake();
  const layout = () => layoutOf(options.schemas());
  let ended: AbortSignal | undefined;
  /** Keys of etcd may be of another history of the database then. */
  const repair = createGapRepair(
    async () => {
      if (etcd !== undefined && ended !== undefined)
        await resync({ database, log, etcd, layout: layout(), ...identified, schemas: [], signal: ended });
    },
    Math.min(backoffMs, 1000),
  );
  const followed = options.source && createFollowedLog({ log, source: options.source, wake, backoffMs, onGap: () => repair.onGap() });
  const sink = etcd === undefined ? ONLY_RECEIVERS : createEtcdSink({ etcd, layout, ...identified });
  const publisher = createPublisher({ log: followed ?? log, sink, wake, pollMs, backoffMs });
  let drift: Drift | undefined;
  const every = (ms: number) => (signal: AbortSignal) => pause(ms, signal);
  const lead = async (lost: AbortSignal, compare: Compare | undefined): Promise<void> => {
    const over = new AbortController();
    const signal = AbortSignal.any([lost, over.signal]);
    ended = signal;
    const ring = (): void => wake.ring();
    const notices = etcd?.watch({ prefix: NOTICE_KEY, relistMs: 0, onList: ring, onEvents: ring });
    const works: SideWork[] = [];
    if (etcd !== undefined && options.driftIntervalMs > 0) {
      const run = async (): Promise<void> => {
        drift = await measureDrift({ database, log, etcd, layout: layout(), ...identified, signal });
      };
      works.push({ wait: every(options.driftIntervalMs), run, what: 'comparing database and etcd' });
    }
    if (followed !== undefined) works.push(repair);
    const besides = [...works.map((work) => beside(work, signal)), followed?.run(signal), options.forward?.(signal)];
    try {
      await publisher.run({ compare, lost });
    } finally {
      over.abort();
      await Promise.all([...besides, notices?.close()]);
    }
  };
  const office = etcd === undefined ? ownOffice(options, lead) : electedOffice(options, etcd, lead);
  // While nobody leads, all tell: then it matters most.
  const counted = createBacklogCount({ log, pollMs, isTelling: () => office.isLeader || office.leader() === undefined });
  const notices = etcd && createNotices({ etcd, log, isHere: () => office.isLeader });
  const stopListening = database.onLogged(() => {
    wake.ring();
    notices?.committed();
  });
  return {
    status: () => ({
      ...publisher.status(),
      isLeader: office.isLeader,
      leader: office.leader(),
      backlog: counted.backlog(),
      drift: office.isLeader ? drift : undefined,
      source: office.isLeader ? followed?.status() : undefined,
    }),
    async close() {
      stopListening();
      await Promise.all([office.close(), notices?.close(), counted.close()]);
    },
  };
}

type Lead = (lost: AbortSignal, compare: Compare | undefined) => Promise<void>;

function electedOffice({ node, ttlMs }: DeliveryOptions, etcd: Etcd, lead: Lead): Office {
  const work = leadsAs('publisher', ({ lost, fence }: Leadership) => lead(lost, fence));
  const election = createElection({ etcd, key: PUBLISHER_KEY, candidate: node, ttlMs, ...work });
  return {
    get isLeader() {
      return election.isLeader;
    },
    leader: () => election.leader()?.candidate,
    close: () => election.close(),
  };
}

function ownOffice({ database, node, ttlMs }: DeliveryOptions, lead: Lead): Office {
  const { lead: serve } = leadsAs('publisher', ({ lost }: Term) => lead(lost, undefined));
  return createDatabaseLease({ database, name: 'publisher', candidate: node, ttlMs, lead: serve });
}
