import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { type Event, subscribe } from '../lib/event.ts';
import { createExtensionMetrics } from './extension-metrics.ts';
import {
  createSeriesStore,
  type HistogramSeries,
  type MetricSample,
  observeValue,
  renderSamples,
  type Series,
  type SeriesStore,
} from './metric-series.ts';
import type { MetricName } from './metrics-table.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { createStoreMetrics } from './store-metrics.ts';
import { createSyncMetrics } from './sync-metrics.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Requests being served now; asked at every scrape. */
  readonly inFlight?: () => number;
  /** Requests that wait for an extension thread; asked at every scrape. */
  readonly extensionsWaiting?: () => number;
  /** Log lines dropped so far; asked at every scrape. */
  readonly logDropped?: () => number;
  /** Worker processes by state; asked at every scrape. */
  readonly workers?: () => ReadonlyMap<string, number>;
  /** Limit of label sets that come from traffic; further ones are counted under `other`. */
  readonly maxSeries?: number;
}

export interface Metrics {
  /** Prometheus text, version 0.0.4. */
  render(): string;
  /** The same as samples, for the process that sums them up. */
  collect(): readonly MetricSample[];
  /** Counts that have grown since the last call of this, for the process that keeps them when this one ends. Asks nothing of the system: it is cheap. */
  collectGrown(): readonly MetricSample[];
  close(): void;
}

const DEFAULT_MAX_SERIES = 50_000;
const LOOP_RESOLUTION_MS = 20;

/** Counts events (`lib/event.ts`) from now on, until `close`. The rows of `METRICS` say what there is. */
export function createMetrics(options: MetricsOptions): Metrics {
  const store = createSeriesStore(options.maxSeries ?? DEFAULT_MAX_SERIES);
  store.counter('sekisho_info', options.version, process.version).value = 1;
  const overflow = store.counter('sekisho_metric_series_overflow_total');
  const onRequest = createRequestMetrics(store, overflow);
  const onOther = createEventMetrics(store, overflow);
  const unsubscribe = subscribe((event) => (event.type === 'request' ? onRequest(event) : onOther(event)));
  const usage = createProcessMetrics(store);
  const collect = (): readonly MetricSample[] => {
    store.counter('sekisho_requests_in_flight').value = options.inFlight?.() ?? 0;
    store.counter('sekisho_extension_waiting').value = options.extensionsWaiting?.() ?? 0;
    store.counter('sekisho_log_dropped_total').value = options.logDropped?.() ?? 0;
    for (const [state, count] of options.workers?.() ?? []) store.counter('sekisho_workers', state).value = count;
    usage.refresh();
    return store.collect();
  };
  return {
    render: () => renderSamples(collect()),
    collect,
    collectGrown: () => store.collectGrown(),
    close() {
      unsubscribe();
      usage.close();
    },
  };
}

/** Counts everything but requests: rare enough for a look-up by label text, but for connections and module calls, which hold their series. */
function createEventMetrics(store: SeriesStore, overflow: Series): (event: Exclude<Event, { type: 'request' }>) => void {
  /** Label values that come from entities: within the limit as they are, beyond it `other`. */
  const bounded = (name: MetricName, ...values: readonly string[]): Series => {
    if (store.hasRoom()) return store.counter(name, ...values);
    overflow.value += 1;
    return store.counter(name, ...values.map(() => 'other'));
  };
  const connections = createConnectionMetrics(store);
  const onModuleCall = createModuleMetrics(store, bounded);
  const onExtension = createExtensionMetrics(store, bounded);
  const onSync = createSyncMetrics(store, bounded);
  const onStore = createStoreMetrics(store);
  return (event) => {
    switch (event.type) {
      case 'connection.opened':
        return connections(event.listener, 1);
      case 'connection.closed':
        return connections(event.listener, -1);
      case 'connection.refused':
        store.counter('sekisho_connections_refused_total', event.listener).value += 1;
        return;
      case 'module.called':
        return onModuleCall(event);
      case 'module.thread':
        bounded('sekisho_module_threads_total', event.namespace, event.module, event.state).value += 1;
        return;
      case 'extension.called':
      case 'extension.thread':
      case 'extension.quarantine':
        return onExtension(event);
      case 'snapshot.swapped':
        store.counter('sekisho_config_revision').value = event.revision;
        store.counter('sekisho_config_routes').value = event.routes;
        return observeValue(store.histogram('sekisho_snapshot_build_seconds'), event.buildMs / 1000);
      case 'entity.rejected':
        store.counter('sekisho_entities_rejected_total', event.kind).value += 1;
        return;
      case 'certificate.expiring':
        bounded('sekisho_certificate_days_left', event.namespace, event.domain).value = event.daysLeft;
        return;
      case 'admin.request': {
        const method = ADMIN_METHODS.has(event.method) ? event.method : 'other';
        store.counter('sekisho_admin_requests_total', method, String(event.status)).value += 1;
        return observeValue(store.histogram('sekisho_admin_request_duration_seconds'), event.durationMs / 1000);
      }
      case 'fleet.registered':
        store.counter('sekisho_fleet_registered').value = event.isRegistered ? 1 : 0;
        return;
      case 'sync.leader':
      case 'sync.delivered':
      case 'sync.failed':
      case 'sync.blocked':
      case 'sync.source':
      case 'webhook.sent':
      case 'webhook.waiting':
      case 'webhook.overflow':
      case 'sync.conflict':
      case 'sync.backlog':
      case 'sync.reported':
      case 'sync.watched':
      case 'sync.compared':
      case 'cron.run':
        return onSync(event);
      case 'store.health':
      case 'store.reset':
      case 'store.damaged':
      case 'store.snapshot':
        return onStore(event);
      case 'worker.state':
        store.counter('sekisho_worker_changes_total', event.state).value += 1;
        return;
      case 'error':
        store.counter('sekisho_errors_total', event.error.code).value += 1;
        return;
      case 'warning':
        store.counter('sekisho_warnings_total').value += 1;
        return;
      default:
    }
  };
}

const ADMIN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

function createConnectionMetrics(store: SeriesStore): (listener: string, step: 1 | -1) => void {
  const byListener = new Map<string, { readonly opened: Series; readonly open: Series }>();
  return (listener, step) => {
    let series = byListener.get(listener);
    if (series === undefined) {
      series = {
        opened: store.counter('sekisho_connections_opened_total', listener),
        open: store.counter('sekisho_connections_open', listener),
      };
      byListener.set(listener, series);
    }
    if (step === 1) series.opened.value += 1;
    series.open.value += step;
  };
}

type ModuleCall = Extract<Event, { type: 'module.called' }>;

interface ModuleSeries {
  readonly namespace: string;
  readonly phase: string;
  readonly duration: HistogramSeries;
  readonly outcomes: Map<string, Series>;
}

function createModuleMetrics(
  store: SeriesStore,
  bounded: (name: MetricName, ...values: readonly string[]) => Series,
): (event: ModuleCall) => void {
  const byModule = new Map<string, ModuleSeries[]>();
  const add = (event: ModuleCall, list: ModuleSeries[]): ModuleSeries => {
    const { namespace, module, phase } = event;
    const labels = store.hasRoom() ? [namespace, module, phase] : ['other', 'other', phase];
    const series = { namespace, phase, duration: store.histogram('sekisho_module_duration_seconds', ...labels), outcomes: new Map() };
    list.push(series);
    return series;
  };
  return (event) => {
    let list = byModule.get(event.module);
    if (list === undefined) byModule.set(event.module, (list = []));
    const series = list.find((one) => one.phase === event.phase && one.namespace === event.namespace) ?? add(event, list);
    let outcome = series.outcomes.get(event.outcome);
    if (outcome === undefined) {
      outcome = bounded('sekisho_module_calls_total', event.namespace, event.module, event.phase, event.outcome);
      series.outcomes.set(event.outcome, outcome);
    }
    outcome.value += 1;
    observeValue(series.duration, event.durationMs / 1000);
  };
}

/** What the process itself costs, read when asked. The event loop's delay is that since the last refresh. */
function createProcessMetrics(store: SeriesStore): { refresh(): void; close(): void } {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  // The monitor's timer itself is in every sample; what is beyond it is delay.
  const seconds = (ns: number): number => Math.max(0, ns / 1e9 - LOOP_RESOLUTION_MS / 1000);
  store.counter('process_start_time_seconds').value = performance.timeOrigin / 1000;
  return {
    refresh() {
      for (const quantile of [50, 99]) {
        store.counter('sekisho_event_loop_delay_seconds', String(quantile / 100)).value =
          delay.count === 0 ? 0 : seconds(delay.percentile(quantile));
      }
      store.counter('sekisho_event_loop_delay_seconds', '1').value = delay.count === 0 ? 0 : seconds(delay.max);
      delay.reset();
      const cpu = process.cpuUsage();
      const memory = process.memoryUsage();
      store.counter('sekisho_event_loop_active_seconds_total').value = performance.eventLoopUtilization().active / 1000;
      store.counter('process_cpu_seconds_total').value = (cpu.user + cpu.system) / 1e6;
      store.counter('process_resident_memory_bytes').value = memory.rss;
      store.counter('sekisho_heap_used_bytes').value = memory.heapUsed;
      store.counter('sekisho_external_memory_bytes').value = memory.external;
    },
    close() {
      delay.disable();
    },
  };
}
