import { createElection } from '../etcd/election.ts';
import type { Election, ElectionOptions, Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { ChangeSource } from '../sql/change-source.ts';
import { openEventLog } from '../sql/event-log.ts';
import type { Database } from '../sql/types.ts';
import { type CronJob, type CronStatus, createCron } from './cron.ts';
import { databaseIdOf } from './database-id.ts';
import { createDelivery, type Delivery, type DeliveryStatus } from './delivery.ts';
import { type Drift, measureDrift } from './drift.ts';
import { layoutOf } from './layout.ts';
import { CRON_KEY, STATE_KEY } from './names.ts';
import { leadsAs } from './office.ts';
import { takeReports } from './reports.ts';
import { type ResyncProgress, type ResyncResult, rehearse, resync } from './resync.ts';
import { trimLog } from './trim-log.ts';
import type { RunEvent } from './types.ts';
import { createWatchedKeys, type WatchedKeys } from './watched-keys.ts';
import { createWebhooks, type WebhookOptions, type Webhooks } from './webhooks.ts';

export interface SyncOptions {
  /** Absent: nothing is delivered or watched, and cron jobs run on this node, which is then the only one. The caller closes it after `close`. */
  readonly etcd?: Etcd;
  /** Absent when no schemas are served. */
  readonly models?: {
    readonly database: Database;
    /** The schemas that are served now. */
    schemas(): SchemaSet;
  };
  /** Name of this process among all; stored as the leader's name. */
  readonly node: string;
  readonly runEvent: RunEvent;
  /** `sync_writer.leader_ttl`; 10 s by default. */
  readonly ttlMs?: number;
  /** `sync_writer.poll`; 5 s by default. */
  readonly pollMs?: number;
  /** `sync_writer.backoff`; 5 s by default. */
  readonly backoffMs?: number;
  /** `sync_writer.drift_interval`; 0 for never; ten minutes by default. */
  readonly driftIntervalMs?: number;
  readonly watch?: { readonly keys: readonly string[]; readonly events: readonly string[] };
  readonly cron?: readonly CronJob[];
  /** `sync_source`; without it the event log is read in its own order. */
  readonly source?: ChangeSource;
  /** Receivers of changes beside etcd, or without it. */
  readonly webhooks?: readonly WebhookOptions[];
  /** False where other nodes deliver and this one does not; true by default. */
  readonly delivers?: boolean;
  /** Rows of the event log that stay where nothing delivers them; 10,000 by default. */
  readonly keepRows?: number;
}

export interface SyncStatus {
  readonly delivery: DeliveryStatus | undefined;
  /** Who takes in states and monitoring. */
  readonly reports: { readonly isLeader: boolean; readonly leader: string | undefined } | undefined;
  readonly watch: ReturnType<WatchedKeys['status']>;
  /** One sentence for each thing that is wrong, for `/readyz`; empty when all is well. */
  readonly problems: readonly string[];
}

export interface ResyncChoice {
  /** Templates of keys that were written before, which are removed as well. */
  readonly former?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface Sync {
  status(): SyncStatus;
  cron(): Promise<readonly CronStatus[]>;
  /** Undefined when no schemas are served. */
  readonly webhooks: Pick<Webhooks, 'status' | 'deadLetters' | 'deadLetter' | 'retry' | 'forget'> | undefined;
  /** See `resync.ts`. SYNC_NO_ETCD without etcd or schemas. */
  resync(
    schemas: readonly string[],
    options?: ResyncChoice & { readonly onProgress?: (progress: ResyncProgress) => void },
  ): Promise<ResyncResult>;
  /** What `resync` would repair. */
  rehearse(schemas: readonly string[], options?: ResyncChoice): Promise<Drift>;
  /** Compares database and etcd now. SYNC_NO_ETCD without etcd or schemas. */
  compare(signal?: AbortSignal): Promise<Drift>;
  /** Gives up all offices; what is under way ends first. */
  close(): Promise<void>;
}

const TTL_MS = 10_000;
const POLL_MS = 5000;
const BACKOFF_MS = 5000;
const DRIFT_INTERVAL_MS = 600_000;
const KEEP_ROWS = 10_000;

/**
 * Starts what keeps others in step: the delivery of the event log, reports of workers, watched keys and cron jobs, each where this node is elected for it.
 * CONFIG_INVALID when the time of a job makes no sense.
 */
export async function createSync(options: SyncOptions): Promise<Sync> {
  const { etcd, models, node, runEvent, ttlMs = TTL_MS } = options;
  const cron = createCron({ jobs: options.cron ?? [], runEvent, node, ...(etcd && { etcd }) });
  const closers: (() => Promise<unknown>)[] = [];
  const elect = (role: string, key: string, work: ElectionOptions['lead']): Election => {
    const election = createElection({ etcd: etcd as Etcd, key, candidate: node, ttlMs, ...leadsAs(role, work) });
    closers.push(() => election.close());
    return election;
  };
  const { pollMs = POLL_MS, backoffMs = BACKOFF_MS, driftIntervalMs = DRIFT_INTERVAL_MS, delivers = true } = options;
  const receivers = options.webhooks ?? [];
  const webhooks = models && createWebhooks({ ...models, webhooks: receivers, pollMs });
  const log = models && (await openEventLog(models.database, webhooks?.receivers));
  // Tells what was delivered from here from what others delivered to the same etcd.
  const identified = etcd !== undefined && models !== undefined ? { databaseId: await databaseIdOf(models.database) } : {};
  const layout = () => layoutOf((models as NonNullable<typeof models>).schemas());
  let delivery: Delivery | undefined;
  let reports: Election | undefined;
  if (delivers && models !== undefined && log !== undefined && (etcd !== undefined || receivers.length > 0)) {
    const started = createDelivery({
      ...models,
      log,
      node,
      ttlMs,
      pollMs,
      backoffMs,
      driftIntervalMs,
      ...identified,
      ...(etcd && { etcd }),
      ...(options.source && { source: options.source }),
      ...(webhooks !== undefined && receivers.length > 0 && { forward: (lost) => webhooks.run(lost) }),
    });
    delivery = started;
    closers.push(() => started.close());
  }
  if (etcd !== undefined && models !== undefined) {
    reports = elect('state', STATE_KEY, (leadership) => takeReports({ etcd, database: models.database, layout, runEvent }, leadership));
  }
  if (delivers && delivery === undefined && log !== undefined)
    closers.push(runAlone((signal) => trimLog(log, options.keepRows ?? KEEP_ROWS, signal)));
  const keys = options.watch?.keys ?? [];
  const watched =
    etcd === undefined || keys.length === 0
      ? undefined
      : createWatchedKeys({ etcd, node, ttlMs, keys, events: options.watch?.events ?? [], runEvent });
  if (watched !== undefined) closers.push(() => watched.close());
  if ((options.cron ?? []).length > 0) {
    if (etcd !== undefined) elect('cron', CRON_KEY, ({ lost }) => cron.run(lost));
    else closers.push(runAlone((signal) => cron.run(signal)));
  }
  const needed = () => {
    if (etcd !== undefined && models !== undefined && log !== undefined)
      return { etcd, database: models.database, log, layout: layout(), ...identified };
    const missing =
      etcd === undefined ? '`etcd`: there is nothing to compare the resources with' : '`schemas`: there is nothing to deliver';
    throw new SekishoError('SYNC_NO_ETCD', `the configuration names no ${missing}`);
  };
  return {
    status() {
      const delivered = delivery?.status();
      return {
        delivery: delivered,
        reports: reports && { isLeader: reports.isLeader, leader: reports.leader()?.candidate },
        watch: watched?.status() ?? [],
        problems: delivered === undefined ? [] : [...problemsOf(delivered), ...(webhooks?.problems() ?? [])],
      };
    },
    cron: () => cron.status(),
    webhooks,
    resync: async (schemas, more = {}) => await resync({ ...needed(), schemas, ...more }),
    rehearse: async (schemas, more = {}) => await rehearse({ ...needed(), schemas, ...more }),
    compare: async (signal) => await measureDrift({ ...needed(), ...(signal && { signal }) }),
    async close() {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

function runAlone(run: (signal: AbortSignal) => Promise<void>): () => Promise<void> {
  const closing = new AbortController();
  const running = run(closing.signal);
  return async () => {
    closing.abort();
    await running;
  };
}

function problemsOf({ isLeader, leader, lastError, backlog, blocked, drift, source }: DeliveryStatus): readonly string[] {
  const problems: string[] = [];
  const waiting =
    backlog === undefined || backlog.count === 0 ? '' : `; ${backlog.count === 1 ? 'a change waits' : `${backlog.count} changes wait`}`;
  if (leader === undefined) problems.push(`no node delivers the event log${waiting}`);
  // What hindered this node before another one followed does not hinder that.
  if (lastError !== undefined && (isLeader || leader === undefined)) problems.push(`changes wait: ${lastError.message}`);
  if (source?.lastError !== undefined)
    problems.push(`the event log is read in its own order instead of ${source.source}: ${source.lastError.message}`);
  for (const { path, error } of blocked.slice(0, 5)) problems.push(`changes of ${path} wait: ${error.message}`);
  if (drift !== undefined && drift.missing + drift.different + drift.orphaned > 0)
    problems.push(
      `etcd differs from the database in ${drift.missing + drift.different + drift.orphaned} keys, such as ${drift.examples[0] ?? ''}; run sekisho resync`,
    );
  return problems;
}
