import type { SyncEvent } from '../lib/sync-event.ts';
import { observeValue, type Series, type SeriesStore } from './metric-series.ts';
import type { MetricName } from './metrics-table.ts';

const KINDS = ['missing', 'different', 'orphaned'] as const;
const NO_DRIFT = { missing: 0, different: 0, orphaned: 0 };

/** Counts what is told about the event log, reports, watched keys and cron jobs. */
export function createSyncMetrics(
  store: SeriesStore,
  bounded: (name: MetricName, ...values: readonly string[]) => Series,
): (event: SyncEvent) => void {
  const setDrift = (found: Readonly<Record<(typeof KINDS)[number], number>>): void => {
    for (const kind of KINDS) store.counter('sekisho_sync_drift', kind).value = found[kind];
  };
  return (event) => {
    switch (event.type) {
      case 'sync.leader':
        bounded('sekisho_sync_leader', event.role).value = event.leads ? 1 : 0;
        // What the next leader finds is told there.
        if (event.role === 'publisher' && !event.leads) setDrift(NO_DRIFT);
        return;
      case 'sync.delivered':
        store.counter('sekisho_sync_delivered_total', event.sink).value += event.events;
        return observeValue(store.histogram('sekisho_sync_batch_seconds'), event.durationMs / 1000);
      case 'sync.failed':
        store.counter('sekisho_sync_failures_total', event.sink, event.error.code).value += 1;
        return;
      case 'sync.blocked':
        store.counter('sekisho_sync_failures_total', event.sink, event.error.code).value += 1;
        return;
      case 'sync.source':
        if (event.state === 'gap') store.counter('sekisho_sync_gaps_total', event.source).value += 1;
        else store.counter('sekisho_sync_following', event.source).value = event.state === 'following' ? 1 : 0;
        return;
      case 'sync.conflict':
        store.counter('sekisho_sync_conflicts_total').value += event.keys.length;
        return;
      case 'sync.backlog':
        store.counter('sekisho_sync_backlog').value = event.count;
        store.counter('sekisho_sync_backlog_age_seconds').value = event.ageMs / 1000;
        return;
      case 'webhook.sent':
        bounded('sekisho_webhook_sent_total', event.receiver, event.outcome).value += 1;
        return observeValue(store.histogram('sekisho_webhook_seconds'), event.durationMs / 1000);
      case 'webhook.waiting':
        bounded('sekisho_webhook_waiting', event.receiver).value = event.waiting;
        bounded('sekisho_webhook_age_seconds', event.receiver).value = event.ageMs / 1000;
        bounded('sekisho_webhook_dead_letters', event.receiver).value = event.dead;
        return;
      case 'webhook.overflow':
        bounded('sekisho_webhook_overflow_total', event.receiver, event.what).value += event.count;
        return;
      case 'sync.reported':
        bounded('sekisho_sync_reports_total', event.schema, event.report, event.outcome).value += 1;
        return;
      case 'sync.watched':
        bounded('sekisho_sync_watched_total', event.prefix, event.outcome).value += 1;
        return;
      case 'sync.compared':
        return setDrift(event);
      case 'cron.run':
        bounded('sekisho_cron_runs_total', event.path, event.outcome).value += 1;
        if (event.outcome !== 'skipped') bounded('sekisho_cron_last_duration_seconds', event.path).value = event.durationMs / 1000;
        return;
      default:
    }
  };
}
