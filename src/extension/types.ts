import type { SekishoError } from '../lib/errors.ts';

/** JSON data, or what becomes it. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * An extension of schema files as it is loaded. `gohan`: a script of Gohan's kind, which registers handlers with `gohan_register_handler`
 * and calls its built-ins synchronously. `module`: an ES module (TypeScript or JavaScript) whose exports are handlers, named as the event in
 * camel case (`preCreateInTransaction`) or as it is (`pre_create_in_transaction`, an action's id).
 */
export interface ExtensionCode {
  readonly id: string;
  readonly style: 'gohan' | 'module';
  readonly code: string;
  /** Absolute path of the code's file, for stack traces, relative imports and `gohan_file_read_cd`; undefined when it stands in the schema file. */
  readonly file: string | undefined;
  /** Lines of `code` that stand in the schema file, ahead of those of `file`; absent: none. */
  readonly linesAhead?: number;
  /** `file:line:column` of the extension in its schema file. */
  readonly place: string;
}

/**
 * Code that shares one global scope: all extensions that match a schema's URL (the environment is named by the schema's id), a cron job
 * (`cron://name`) or a watched key (`sync://prefix`). In the order in which they are loaded, which is the order of their handlers.
 */
export interface EnvironmentSource {
  readonly name: string;
  /** What the patterns of `ExtensionLimits.timeouts` are searched in: the schema's short URL, `cron://name`, `sync://prefix`. */
  readonly url: string;
  readonly extensions: readonly ExtensionCode[];
}

/** Loads extensions and runs their handlers in threads. One per worker process; every set of schemas has its own. */
export interface Extensions {
  /** Whether the environment has a handler for the event. Asked before anything is prepared for it: a schema without handlers pays nothing. */
  handles(environment: string, event: string): boolean;
  /** The events with handlers of an environment, for tools. */
  events(environment: string): readonly string[];
  /** Opens the life of one request, cron run or watched change. Takes no thread before the first event with a handler runs. */
  begin(request: ExtensionRequest): ExtensionCall;
  /** One row for each environment that has code, and one for each thread. */
  status(): ExtensionsStatus;
  /** Lifts the quarantine of an environment; false when it has none. */
  release(environment: string): boolean;
  /** Requests under way finish; new ones are refused. */
  close(): Promise<void>;
}

export interface ExtensionsStatus {
  readonly environments: readonly {
    readonly name: string;
    readonly extensions: readonly string[];
    readonly events: readonly string[];
    readonly state: 'ready' | 'quarantined';
    readonly kills: number;
    readonly lastKill?: { readonly at: string; readonly reason: string };
    readonly calls: number;
    readonly failures: number;
  }[];
  readonly threads: readonly {
    readonly kind: 'exclusive' | 'shared';
    readonly state: 'starting' | 'idle' | 'busy';
    readonly inFlight: number;
    readonly heapBytes: number;
  }[];
  /** Requests that wait for a thread. */
  readonly waiting: number;
}

/** Who calls, and where the calls of handlers go. */
export interface ExtensionRequest {
  /** Request id, in logs and as `context.trace_id`. */
  readonly id: string;
  /** The environment of its first event; decides what kind of thread the request takes. */
  readonly environment: string;
  /** What handlers ask of the gateway: built-ins and `context.tx`, `context.model`, … `caller` tells the event that asks. See `host-calls.ts`. */
  call(name: string, args: readonly unknown[], caller: EventCaller): Promise<unknown>;
  /** Aborted when nobody waits for the result any more: running calls end with EXTENSION_ABORTED. */
  readonly signal?: AbortSignal;
}

export interface EventCaller {
  readonly environment: string;
  readonly event: string;
  /** Distinguishes nested events of one request: 1 for the outermost. */
  readonly depth: number;
  /** The event's deadline, or the client's leave. */
  readonly signal: AbortSignal;
}

/** The life of one request in its thread. Handlers of all its events see one `context` object, with whatever earlier ones put there. */
export interface ExtensionCall {
  /**
   * Takes the thread now. To be called before a transaction is opened in which handlers will run: whoever waits for a thread holds no database
   * connection then, and the two pools cannot wait for each other. Rejects with EXTENSION_BUSY.
   */
  reserve(): Promise<void>;
  /**
   * Runs all handlers of an event. `fields` are set on the context before (undefined removes a key). Gives what handlers left in the keys
   * `resource`, `response`, `state`, `monitoring`. Rejects with an ExtensionFailure, or EXTENSION_TIMEOUT, EXTENSION_CRASHED,
   * EXTENSION_QUARANTINED, EXTENSION_BUSY, EXTENSION_ABORTED. Resolves at once without a handler.
   * May be called while another event of this request runs and waits for a host call (an extension that creates another resource):
   * the nested event gets a context of its own, which begins as a copy of the waiting one's.
   */
  run(environment: string, event: string, fields: Fields): Promise<EventOutcome>;
  /** Whether it holds a thread of its own until its end, for which others may wait. */
  readonly isHolding: boolean;
  /** Marks the context before a transaction, and brings it back to the mark when the transaction is tried again. */
  mark(): void;
  restore(): void;
  /** The request is over: the thread is free, its context is forgotten. Idempotent. */
  end(): void;
}

/** What handlers left in the context; a key is absent where the context has none. */
export interface EventOutcome {
  readonly resource?: unknown;
  readonly response?: unknown;
  readonly state?: unknown;
  readonly monitoring?: unknown;
  /** Whether the event set or changed `response` (also to an equal value). */
  readonly hasNewResponse: boolean;
}

/** A handler's wish to answer: thrown by `run`. `body` of a status 200–299 is the whole JSON answer, else `message` is the error's text. */
export interface ExtensionFailureFields {
  /** The exception's name as the handler threw it: `CustomException`, `ResourceException`, … */
  readonly exception: string;
  readonly status: number;
  readonly message: string;
  readonly body?: unknown;
  readonly cause?: SekishoError;
}

/** Limits of extension threads. */
export interface ExtensionLimits {
  /** Of one event, its nested ones included. Milliseconds. */
  readonly timeoutMs: number;
  /** Exceptions to it, first match counts: environment's schema URL and event are searched by the patterns. */
  readonly timeouts: readonly { readonly path: RegExp; readonly event: RegExp; readonly timeoutMs: number }[];
  /** Threads for requests whose environment has Gohan scripts: each serves one request at a time. */
  readonly exclusiveThreads: number;
  /** Threads for requests whose environment has only modules: each serves many. */
  readonly sharedThreads: number;
  /** Requests that may wait for a thread; one more is EXTENSION_BUSY. */
  readonly maxQueue: number;
  readonly heapLimitBytes: number;
  readonly rssLimitBytes: number;
  readonly syncTimeoutMs: number;
  readonly quarantineKills: number;
  readonly quarantineWindowMs: number;
}
