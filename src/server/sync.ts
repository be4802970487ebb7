import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ResyncRequest, SyncControl } from '../admin/types.ts';
import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import { type SekishoError, toSekishoError } from '../lib/errors.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { Database } from '../sql/types.ts';
import type { Drift } from '../sync/drift.ts';
import type { ResyncProgress, ResyncResult } from '../sync/resync.ts';
import { createSync, type Sync, type SyncOptions } from '../sync/sync.ts';
import type { RunEvent } from '../sync/types.ts';
import type { Closable } from './closing.ts';
import { toSyncView } from './sync-view.ts';

/** What of the data models is kept in step. */
export interface SyncedModels {
  readonly database: Database;
  /** The schemas that are served now. */
  schemas(): SchemaSet;
  readonly runEvent: RunEvent;
}

export interface StartedSync extends Closable {
  readonly control: SyncControl;
  /** One sentence for each thing that is wrong; empty when all is well. */
  problems(): readonly string[];
}

/** True when something runs beside requests: deliveries, watched keys, jobs, or an event log that nobody empties. */
export function needsSync({ schemas, etcd, sync, webhooks, cron }: Settings): boolean {
  return schemas.length > 0 || (etcd.length > 0 && sync !== 'none') || webhooks.length > 0 || cron.length > 0;
}

/**
 * Starts what keeps others in step with the resources. Rejects with CONFIG_INVALID when a job's time or a schema of a webhook makes no sense, and with SYNC_SOURCE
 * when the database is not set up for `sync_source`.
 */
export async function startSync(settings: Settings, etcd: Etcd | undefined, models: SyncedModels | undefined): Promise<StartedSync> {
  const { syncWriter, watch, cron } = settings;
  const source = isDelivering(settings) ? await openSource(settings, models) : undefined;
  const sync = await createSync({
    node: `${settings.nodeId || hostname()}-${randomUUID().slice(0, 8)}`,
    ...(etcd !== undefined && { etcd }),
    ...(models !== undefined && { models }),
    runEvent: models?.runEvent ?? (async () => ({})),
    ttlMs: syncWriter.leaderTtlMs,
    pollMs: syncWriter.pollMs,
    backoffMs: syncWriter.backoffMs,
    driftIntervalMs: syncWriter.driftIntervalMs,
    keepRows: settings.eventLogKeep,
    webhooks: settings.webhooks,
    ...(source !== undefined && { source }),
    delivers: isDelivering(settings),
    watch,
    cron,
  });
  const resync = createResync(sync);
  return {
    control: {
      status: () => toSyncView(sync.status()),
      cron: () => sync.cron(),
      compare: () => sync.compare(),
      resync: resync.start,
      resyncStatus: resync.status,
      ...(sync.webhooks !== undefined && { webhooks: sync.webhooks }),
    },
    problems: () => sync.status().problems,
    async close() {
      resync.close();
      await sync.close();
    },
  };
}

/** False where `sync: none` leaves the delivery to that etcd to other nodes. */
function isDelivering({ etcd, sync }: Settings): boolean {
  return etcd.length === 0 || sync !== 'none';
}

/** Loaded only where it is wanted. */
async function openSource({ syncSource, database }: Settings, models: SyncedModels | undefined): Promise<SyncOptions['source']> {
  const { type, slot, publication, serverId } = syncSource;
  if (type === 'poll' || models === undefined || database === undefined) return undefined;
  const { openChanges } = await import('../sql/open-changes.ts');
  return await openChanges(models.database, { type, connection: database.connection, slot, publication, serverId });
}

interface Run {
  readonly startedAt: string;
  progress?: ResyncProgress;
  result?: ResyncResult | Drift;
  error?: SekishoError;
}

/** One resynchronisation at a time, in the background: a caller asks how far it is. */
function createResync(sync: Sync) {
  const closing = new AbortController();
  let run: Run | undefined;
  const state = (): 'idle' | 'running' | 'done' | 'failed' => {
    if (run === undefined) return 'idle';
    if (run.error !== undefined) return 'failed';
    return run.result === undefined ? 'running' : 'done';
  };
  const status = () => ({
    state: state(),
    ...(run !== undefined && { startedAt: run.startedAt }),
    ...(run?.progress !== undefined && { progress: run.progress }),
    ...(run?.result !== undefined && { result: run.result }),
    ...(run?.error !== undefined && { error: run.error.message }),
  });
  return {
    status,
    start({ schemas, former, isDryRun }: ResyncRequest) {
      if (state() !== 'running') {
        const started: Run = { startedAt: new Date().toISOString() };
        run = started;
        const choice = { former, signal: closing.signal };
        const onProgress = (progress: ResyncProgress): void => {
          started.progress = progress;
        };
        const result = isDryRun ? sync.rehearse(schemas, choice) : sync.resync(schemas, { ...choice, onProgress });
        result.then(
          (outcome) => {
            started.result = outcome;
          },
          (error: unknown) => {
            started.error = toSekishoError(error);
          },
        );
      }
      return status();
    },
    close: () => closing.abort(),
  };
}
