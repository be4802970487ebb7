import { SekishoError } from '../lib/errors.ts';
import type { StoreUpdate } from './types.ts';

/** The last updates, for watchers that come late. */
export interface UpdateLog {
  add(update: StoreUpdate): void;
  /** Everything after the state that a watcher knows. STORE_FAILED when that is not kept any more. */
  after(revision: number): readonly StoreUpdate[];
  /** Forgets all: the state is at `revision`. */
  restart(revision: number): void;
}

/** Keeps `limit` updates. Revisions may jump, and go back where an update says so. */
export function createUpdateLog(limit: number): UpdateLog {
  let updates: StoreUpdate[] = [];
  let base = 0;
  return {
    add(update) {
      updates.push(update);
      if (updates.length > limit) base = updates.shift()?.revision ?? base;
    },
    after(revision) {
      const index = updates.findLastIndex((update) => update.revision === revision);
      if (index >= 0) return updates.slice(index + 1);
      if (revision === base) return updates;
      const last = updates.at(-1)?.revision ?? base;
      if (revision > last) return [];
      throw new SekishoError(
        'STORE_FAILED',
        `the updates after revision ${revision} are not kept any more (what is kept begins after ${base}): load the state and watch from its revision`,
      );
    },
    restart(revision) {
      updates = [];
      base = revision;
    },
  };
}
