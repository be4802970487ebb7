import type { SekishoError } from './errors.ts';
import type { FleetEvent } from './fleet-event.ts';
import type { StoreEvent } from './store-event.ts';
import type { SyncEvent } from './sync-event.ts';
import type { WorkerEvent } from './worker-event.ts';

/** Everything that Sekisho tells about itself. Log, metrics and tests are readers of this one union; logic never logs by itself. */
export type Event =
  | RequestEvent
  | { readonly type: 'server.starting'; readonly version: string; readonly node: string; readonly config: string }
  | { readonly type: 'server.listening'; readonly listener: string; readonly address: string }
  | { readonly type: 'server.ready'; readonly revision: number; readonly durationMs: number }
  /** A command to try, told when the gateway runs with `debug`. */
  | { readonly type: 'server.hint'; readonly text: string }
  | { readonly type: 'server.draining'; readonly reason: string; readonly inFlight: number }
  | { readonly type: 'server.stopped'; readonly durationMs: number }
  | { readonly type: 'connection.opened' | 'connection.closed' | 'connection.refused'; readonly listener: string }
  | {
      readonly type: 'snapshot.swapped';
      readonly revision: number;
      readonly hash: string;
      readonly routes: number;
      readonly buildMs: number;
    }
  | {
      readonly type: 'entity.rejected';
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
      readonly error: SekishoError;
    }
  | { readonly type: 'certificate.expiring'; readonly domain: string; readonly namespace: string; readonly daysLeft: number }
  | {
      readonly type: 'admin.request';
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly durationMs: number;
      readonly principal: string;
      readonly remoteAddress: string;
      readonly error?: SekishoError;
    }
  | {
      readonly type: 'module.console';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly namespace: string;
      readonly module: string;
      readonly route: string;
      readonly requestId: string;
      readonly text: string;
    }
  | {
      readonly type: 'module.called';
      readonly namespace: string;
      readonly module: string;
      readonly route: string;
      readonly phase: ModulePhaseName;
      readonly outcome: 'ok' | 'failed' | 'timeout' | 'crashed' | 'refused';
      readonly durationMs: number;
    }
  | {
      readonly type: 'module.thread';
      readonly namespace: string;
      readonly module: string;
      readonly state: 'started' | 'stopped' | 'killed' | 'quarantined' | 'released';
      readonly reason?: string;
    }
  | {
      readonly type: 'module.failed';
      readonly namespace: string;
      readonly module: string;
      readonly route: string;
      readonly requestId: string;
      readonly hook: string;
      readonly text: string;
    }
  /** A server of a database does not answer yet; it is asked again after the pause, for `leftMs` more. */
  | {
      readonly type: 'database.waiting';
      readonly place: string;
      readonly reason: string;
      readonly attempt: number;
      readonly pauseMs: number;
      readonly leftMs: number;
    }
  | { readonly type: 'database.reached'; readonly place: string; readonly attempts: number; readonly waitedMs: number }
  | {
      readonly type: 'extension.console';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly environment: string;
      /** Where the line comes from, as the author names it: `gohan.extension.network.pre_create`. */
      readonly module: string;
      readonly requestId: string;
      readonly text: string;
    }
  | {
      readonly type: 'extension.called';
      readonly environment: string;
      readonly event: string;
      readonly outcome: 'ok' | 'answered' | 'failed' | 'timeout' | 'crashed' | 'refused';
      readonly durationMs: number;
    }
  | {
      readonly type: 'extension.thread';
      readonly kind: 'exclusive' | 'shared';
      readonly state: 'started' | 'stopped' | 'killed';
      readonly reason?: string;
    }
  | {
      readonly type: 'extension.quarantine';
      readonly environment: string;
      readonly state: 'quarantined' | 'released';
      readonly reason?: string;
    }
  /** What a handler threw that is no answer, with its stack; `id` is that of the error which the client sees. */
  | {
      readonly type: 'extension.failed';
      readonly environment: string;
      readonly event: string;
      readonly requestId: string;
      readonly id?: string;
      readonly text: string;
    }
  /** An endpoint of etcd stopped answering, or answers again. */
  | { readonly type: 'etcd.endpoint'; readonly endpoint: string; readonly answers: boolean; readonly reason: string }
  | FleetEvent
  | StoreEvent
  | SyncEvent
  | WorkerEvent
  | { readonly type: 'error'; readonly error: SekishoError; readonly where: string }
  | { readonly type: 'warning'; readonly text: string };

export type ModulePhaseName = 'request' | 'handle' | 'response' | 'error';

/** One finished request of the proxy: the access line and all request metrics come from it. Durations are milliseconds, sizes bytes. */
export interface RequestEvent {
  readonly type: 'request';
  readonly id: string;
  readonly traceId: string;
  readonly method: string;
  /** Host and target are for the log only: never metric labels, they are unbounded. */
  readonly host: string;
  readonly target: string;
  readonly version: string;
  readonly remoteAddress: string;
  readonly namespace: string;
  readonly route: string;
  /** The path pattern of the route that matched, e.g. `/users/{id}`; empty when none did. */
  readonly pattern: string;
  readonly service: string;
  readonly status: number;
  readonly durationMs: number;
  /** From the first attempt until the upstream's response head; 0 without upstream. */
  readonly upstreamMs: number;
  readonly attempts: number;
  readonly responseBytes: number;
  readonly error?: SekishoError;
}

type Subscriber = (event: Event) => void;

const subscribers: Subscriber[] = [];

/** Tells every subscriber. Costs one call each, so subscribers must be quick and must not throw. */
export function observe(event: Event): void {
  for (let i = 0; i < subscribers.length; i += 1) subscribers[i]?.(event);
}

/** Adds a reader of events; the returned function removes it. */
export function subscribe(subscriber: Subscriber): () => void {
  subscribers.push(subscriber);
  return () => {
    const index = subscribers.indexOf(subscriber);
    if (index >= 0) subscribers.splice(index, 1);
  };
}
