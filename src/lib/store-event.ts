/** What is told about a store that several nodes share. */
export type StoreEvent =
  /** `ok`: what is served is what is stored. `unreachable`: what was read before is served. `stale`: what the last process left on the disk is served. */
  | {
      readonly type: 'store.health';
      readonly state: 'ok' | 'stale' | 'unreachable';
      readonly revision: number;
      readonly reason?: string;
    }
  /** What is stored is no continuation of what was served: the store was restored, made anew, or changed by hand. */
  | { readonly type: 'store.reset'; readonly from: number; readonly to: number; readonly reason: string }
  /** A stored value that cannot be read; the one before it is served on, when there is one. */
  | { readonly type: 'store.damaged'; readonly key: string; readonly reason: string }
  /** The last good state on the disk. */
  | {
      readonly type: 'store.snapshot';
      readonly outcome: 'written' | 'loaded' | 'ignored' | 'failed';
      readonly path: string;
      readonly revision?: number;
      readonly reason?: string;
    };
