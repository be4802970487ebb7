import type { StoreEvent } from '../lib/store-event.ts';
import type { SeriesStore } from './metric-series.ts';

/** Counts what is told about a store that several nodes share. */
export function createStoreMetrics(store: SeriesStore): (event: StoreEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'store.health':
        store.counter('sekisho_store_reachable').value = event.state === 'ok' ? 1 : 0;
        store.counter('sekisho_store_stale').value = event.state === 'stale' ? 1 : 0;
        return;
      case 'store.reset':
        store.counter('sekisho_store_resets_total').value += 1;
        return;
      case 'store.damaged':
        store.counter('sekisho_store_damaged_total').value += 1;
        return;
      case 'store.snapshot':
        store.counter('sekisho_store_snapshots_total', event.outcome).value += 1;
        return;
      default:
    }
  };
}
