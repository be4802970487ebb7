import type { ThreadLinkData } from '../runtime/wire.ts';
import type { AuthorNames } from './author-place.ts';

/*
 * How the gateway and an extension thread talk: batches, each one flat array of items, an item an opcode and its fields. Values travel as
 * JSON text: neither side clones what the other made. To a thread that waits in a synchronous call a batch goes the way of its answer.
 */

/** Items from the gateway to a thread. */
export const TO_THREAD = {
  /** run, session, request id, environment, event, parent run, call, snapshot of the parent's context, count, {key, kind, value} × count */
  run: 1,
  /** session */
  end: 2,
  /** run: nobody waits for it any more; answered by `expired` */
  expire: 3,
  /** number */
  ping: 4,
  /** call, true, text | call, false, failure */
  reply: 5,
  /** id, text: a value that comes again and again */
  constant: 6,
  /** environment */
  load: 7,
  /** session */
  mark: 8,
  /** session */
  restore: 9,
  /** number, run: its context is wanted in another thread */
  snapshot: 10,
} as const;

/** Items from a thread to the gateway. */
export const FROM_THREAD = {
  /** run, mask, texts of changed keys */
  done: 1,
  /** run, kind (`FAILURE`), exception, status, message, text of the body, number of the failed call, stack */
  failed: 2,
  /** call, run, name, texts of arguments */
  call: 3,
  /** level, environment, module, request id, text */
  console: 4,
  /** environment, events */
  loaded: 5,
  /** environment, code, message, place */
  loadFailed: 6,
  /** number, text */
  snapshot: 7,
  /** run: its thread is at rest */
  expired: 8,
  /** environment, event, request id, text: thrown where nobody waits for it */
  stray: 9,
  /** nothing: the thread listens */
  ready: 10,
} as const;

/** How a value is told that is set on a context. */
export const FIELD = { remove: 0, text: 1, constant: 2 } as const;

/** What a handler's throw means: an answer of its own, the passing on of a failed call, or a defect. */
export const FAILURE = { answer: 1, passed: 2, defect: 3 } as const;

/** Keys whose values handlers give back, each with two bits of the mask: absent, the same as the gateway knows, changed. */
export const TRACKED = ['resource', 'response', 'state', 'monitoring'] as const;
export const CHANGE = { absent: 0, same: 1, changed: 2 } as const;
/** Bit of the mask: the event set `response`. */
export const NEW_RESPONSE = 256;
/** Bit of the mask: timers or fetches are left, so that the end of the request is to be told at once. */
export const LEFTOVERS = 512;

/** An extension as threads get it. */
export interface ThreadCode {
  readonly id: string;
  readonly style: 'gohan' | 'module';
  readonly code: string;
  /** Of a module. */
  readonly sourceMap: string | undefined;
  /** Name of the script to V8, which no other has. */
  readonly script: string;
  readonly file: string | undefined;
  /** In which stack traces speak of it. */
  readonly names: AuthorNames;
}

/** What differs in threads that run under test: calls to other services are asked of the gateway, and scripts have the functions of tests. */
export interface ThreadTesting {
  /** One number, the time in milliseconds at which the clock stands; NaN: it goes. */
  readonly clock: SharedArrayBuffer;
}

/** What a thread is started with. */
export interface ThreadData extends ThreadLinkData {
  readonly environments: readonly { readonly name: string; readonly codes: readonly number[] }[];
  readonly codes: readonly ThreadCode[];
  readonly npmPath: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly testing: ThreadTesting | undefined;
}
