import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { StoreUpdate } from './types.ts';

type Listener = (update: StoreUpdate) => void;

/** Hands the updates of a store to its watchers: in order, without a gap, in a microtask after `publish`. */
export interface UpdateFeed {
  publish(update: StoreUpdate): void;
  /** `backlog` are the updates after the revision that the watcher knows. Returns the function that ends the watch. */
  watch(backlog: readonly StoreUpdate[], listener: Listener): () => void;
  close(): void;
}

interface Watcher {
  readonly listener: Listener;
  /** Bounded by what is published between two microtasks. */
  readonly waiting: StoreUpdate[];
  isScheduled: boolean;
  isClosed: boolean;
}

export function createUpdateFeed(): UpdateFeed {
  const watchers = new Set<Watcher>();

  const schedule = (watcher: Watcher) => {
    if (watcher.isScheduled || watcher.waiting.length === 0) return;
    watcher.isScheduled = true;
    queueMicrotask(() => {
      watcher.isScheduled = false;
      deliver(watcher);
    });
  };

  return {
    publish(update) {
      for (const watcher of watchers) {
        watcher.waiting.push(update);
        schedule(watcher);
      }
    },
    watch(backlog, listener) {
      const watcher: Watcher = { listener, waiting: [...backlog], isScheduled: false, isClosed: false };
      watchers.add(watcher);
      schedule(watcher);
      return () => {
        watcher.isClosed = true;
        watchers.delete(watcher);
      };
    },
    close() {
      for (const watcher of watchers) watcher.isClosed = true;
      watchers.clear();
    },
  };
}

function deliver(watcher: Watcher): void {
  for (let update = watcher.waiting.shift(); update !== undefined && !watcher.isClosed; update = watcher.waiting.shift()) {
    try {
      watcher.listener(update);
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: 'store.watch' });
    }
  }
}
