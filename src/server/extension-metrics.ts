import type { Event } from '../lib/event.ts';
import { type HistogramSeries, observeValue, type Series, type SeriesStore } from './metric-series.ts';
import type { MetricName } from './metrics-table.ts';

export type ExtensionEvent = Extract<Event, { type: 'extension.called' | 'extension.thread' | 'extension.quarantine' }>;

interface EventSeries {
  readonly duration: HistogramSeries;
  readonly outcomes: Map<string, Series>;
}

/** Counts what is told about extensions. Names of environments and events are those of schemas, jobs and actions, never of a request; their series are held. */
export function createExtensionMetrics(
  store: SeriesStore,
  bounded: (name: MetricName, ...values: readonly string[]) => Series,
): (event: ExtensionEvent) => void {
  const byEnvironment = new Map<string, Map<string, EventSeries>>();
  const add = (environment: string, event: string): EventSeries => {
    const labels = store.hasRoom() ? [environment, event] : ['other', 'other'];
    const series = { duration: store.histogram('sekisho_extension_duration_seconds', ...labels), outcomes: new Map<string, Series>() };
    const events = byEnvironment.get(environment) ?? new Map<string, EventSeries>();
    byEnvironment.set(environment, events.set(event, series));
    return series;
  };
  return (told) => {
    if (told.type === 'extension.thread') {
      store.counter('sekisho_extension_threads_total', told.kind, told.state).value += 1;
      return;
    }
    if (told.type === 'extension.quarantine') {
      bounded('sekisho_extension_quarantines_total', told.environment, told.state).value += 1;
      return;
    }
    const { environment, event, outcome, durationMs } = told;
    const { duration, outcomes } = byEnvironment.get(environment)?.get(event) ?? add(environment, event);
    let series = outcomes.get(outcome);
    if (series === undefined) outcomes.set(outcome, (series = bounded('sekisho_extension_events_total', environment, event, outcome)));
    series.value += 1;
    observeValue(duration, durationMs / 1000);
  };
}
