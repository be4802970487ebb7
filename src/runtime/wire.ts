/*
 * How the gateway and a module thread talk: batches, each one flat array of items. An item is an opcode and its fields, so that
 * a batch of many calls is cloned and delivered as one message. Header lists travel as one NUL-joined string and are split
 * only when a module looks at them.
 */

/** Items from the gateway to a thread. */
export const TO_THREAD = {
  /** inv, seq, phase, begin (13 fields follow when 1), phase fields */
  phase: 1,
  /** inv */
  end: 2,
  /** inv, seq: the deadline of the phase passed */
  expire: 3,
  /** number */
  ping: 4,
  /** call, ok, value | code, message */
  reply: 5,
  /** id, JSON of {route, service, namespace} */
  route: 6,
  /** id */
  forgetRoute: 7,
} as const;

/** Items from a thread to the gateway. */
export const FROM_THREAD = {
  /** inv, seq, flags, one group of fields per flag, in the order of `OUTCOME` */
  result: 1,
  /** call, inv, name, arguments */
  call: 2,
  /** level, route, request id, text */
  console: 3,
  /** hook, route, request id, text */
  failed: 4,
  /** hooks */
  ready: 5,
  /** message, pointer */
  loadFailed: 6,
} as const;

export const PHASE = { request: 1, handle: 2, response: 3, error: 4 } as const;

/** What an outcome consists of: bit → fields that follow. */
export const OUTCOME = {
  /** url */
  upstreamUrl: 1,
  /** status */
  status: 2,
  /** joined fields */
  headers: 4,
  /** string or bytes */
  body: 8,
  /** joined fields */
  responseHeaders: 16,
  /** status, joined fields, body */
  response: 32,
  /** index of the hook, code, message, text with stack */
  failure: 64,
  /** nothing: timers or fetches are left, so that the end of the request is to be told at once */
  leftovers: 128,
} as const;

/** What is known of a request body when a phase starts; otherwise the bytes themselves follow. */
export const BODY = { ask: 0, none: 1, tooLarge: 2 } as const;

/** Slots of the memory that a thread shares with the gateway, as Int32. */
export const SLOT = {
  /** Counts answers of synchronous calls; the thread waits on it. */
  answer: 0,
  /** Number of the last ping that the thread saw. */
  pong: 1,
  /** 1 while `sleep` blocks the thread on purpose. */
  sleeping: 2,
  /** The invocation whose hook runs synchronously, or 0. */
  current: 3,
  /** 1 from the moment module code is evaluated. */
  booted: 4,
  /** Never changes; `sleep` waits on it. */
  pause: 5,
} as const;

/** Slots as Float64: bytes of ArrayBuffers and of the V8 heap, written at every pong. */
export const MEMORY_SLOT = { buffers: 4, heap: 5 } as const;

export const SHARED_BYTES = 64;

const SEPARATOR = '\0';

/** One string of a header list; field names and values never contain NUL. */
export function joinFields(fields: readonly string[]): string {
  return fields.join(SEPARATOR);
}

export function splitFields(joined: string): string[] {
  return joined === '' ? [] : joined.split(SEPARATOR);
}

/** What a user thread gets beside what its program needs. */
export interface ThreadLinkData {
  readonly host: string;
  readonly heapLimitBytes: number;
  readonly shared: SharedArrayBuffer;
  readonly syncPort: import('node:worker_threads').MessagePort;
}

/** What a thread is started with. */
export interface ThreadData extends ThreadLinkData {
  readonly code: string;
  readonly sourceMap: string;
  /** Name of the entry module as it appears in stack traces. */
  readonly entry: string;
  readonly namespace: string;
  readonly env: Readonly<Record<string, string>>;
  readonly maxBodyBytes: number;
}

/** Text beyond which a body is encoded in the thread and its bytes are handed over instead of copied. */
export const INLINE_BODY_CHARS = 16_384;
