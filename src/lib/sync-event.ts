import type { SekishoError } from './errors.ts';

/** What is told about the event log, reports of workers, watched keys and cron jobs. Sizes are counts, durations milliseconds. */
export type SyncEvent =
  /** This node took an office, or has it no more: `publisher`, `state`, `cron`, or `watch` of a key. */
  | { readonly type: 'sync.leader'; readonly role: string; readonly term: number; readonly leads: boolean }
  /** Rows of the event log were delivered; `lagMs` is the age of the oldest (in whole seconds of its change). */
  | {
      readonly type: 'sync.delivered';
      readonly sink: string;
      readonly events: number;
      readonly durationMs: number;
      readonly lagMs: number;
    }
  /** Nothing can be delivered for now. */
  | { readonly type: 'sync.failed'; readonly sink: string; readonly error: SekishoError; readonly pauseMs: number }
  /** One resource cannot be delivered now; others go on. */
  | {
      readonly type: 'sync.blocked';
      readonly sink: string;
      readonly path: string;
      readonly error: SekishoError;
      readonly failures: number;
    }
  /** The order of deliveries comes from the database's replication, does not for now, may have missed changes, or is the matter of another node. */
  | { readonly type: 'sync.source'; readonly source: string; readonly state: 'following' }
  | { readonly type: 'sync.source'; readonly source: string; readonly state: 'ended' }
  | { readonly type: 'sync.source'; readonly source: string; readonly state: 'gap'; readonly reason: string }
  | {
      readonly type: 'sync.source';
      readonly source: string;
      readonly state: 'lost';
      readonly error: SekishoError;
      readonly pauseMs: number;
    }
  /** Somebody else wrote keys of resources. */
  | { readonly type: 'sync.conflict'; readonly keys: readonly string[] }
  /** Rows that wait in the event log, and the age of the oldest. */
  | { readonly type: 'sync.backlog'; readonly count: number; readonly ageMs: number }
  /** A change was sent to a receiver, or given up. */
  | {
      readonly type: 'webhook.sent';
      readonly receiver: string;
      readonly event: number;
      readonly path: string;
      readonly outcome: 'delivered' | 'failed' | 'dead';
      readonly attempt: number;
      readonly durationMs: number;
      readonly reason?: string;
    }
  /** Changes that wait for a receiver, the age of the oldest, and dead letters. */
  | { readonly type: 'webhook.waiting'; readonly receiver: string; readonly waiting: number; readonly ageMs: number; readonly dead: number }
  /** There were more than is kept: the oldest that waited became dead letters, or the oldest of those are gone. */
  | { readonly type: 'webhook.overflow'; readonly receiver: string; readonly what: 'waiting' | 'dead'; readonly count: number }
  | {
      readonly type: 'sync.reported';
      readonly schema: string;
      readonly report: 'state' | 'monitoring';
      readonly path: string;
      readonly outcome: 'stored' | 'ignored' | 'failed';
      readonly reason?: string;
      readonly error?: SekishoError;
    }
  | {
      readonly type: 'sync.watched';
      readonly prefix: string;
      readonly key: string;
      readonly action: 'set' | 'delete';
      readonly outcome: 'ok' | 'failed' | 'unhandled';
      readonly error?: SekishoError;
    }
  /** Database and etcd were compared. */
  | {
      readonly type: 'sync.compared';
      readonly resources: number;
      readonly missing: number;
      readonly different: number;
      readonly orphaned: number;
      readonly examples: readonly string[];
      readonly durationMs: number;
    }
  | {
      readonly type: 'cron.run';
      readonly path: string;
      readonly outcome: 'ok' | 'failed' | 'skipped';
      readonly durationMs: number;
      readonly error?: SekishoError;
    };
