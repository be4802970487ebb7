import type { Collection, Document, Namespace, Route, Service } from '../entity/types.ts';
import type { SekishoError } from '../lib/errors.ts';

export const HOOKS = ['fetchUpstream', 'requestModifier', 'responseModifier', 'requestHandler', 'errorHandler'] as const;
export type Hook = (typeof HOOKS)[number];

/** Header fields as name, value, name, value, … */
export type RawHeaders = readonly string[];

/** The modules of a route, compiled and run together in one thread: the first is the entry, the others are what it may import. */
export interface ProgramSource {
  readonly namespace: string;
  readonly modules: readonly { readonly name: string; readonly type: 'typescript' | 'javascript'; readonly source: string }[];
}

/** Loads programs and watches over their threads. One per worker process. */
export interface ModuleRuntime {
  /**
   * Compiles, starts a thread, evaluates the entry module and gives the program. Equal sources share one program (counted: each `load` needs its `release`).
   * Rejects with `MODULE_COMPILE` or `MODULE_LOAD`, whose `errors` have `module.ts:line:column`.
   */
  load(source: ProgramSource): Promise<Program>;
  /** What the admin API shows of every loaded program. */
  status(): readonly ProgramStatus[];
  /** Lifts the quarantine of a program; false when there is none of that key. */
  release(key: string): boolean;
  close(): Promise<void>;
}

export interface ProgramStatus {
  readonly key: string;
  readonly namespace: string;
  readonly module: string;
  readonly state: 'running' | 'idle' | 'restarting' | 'quarantined';
  readonly hooks: readonly Hook[];
  readonly inFlight: number;
  readonly calls: number;
  readonly kills: number;
  readonly lastKill?: { readonly at: string; readonly reason: string };
  readonly heapBytes: number;
}

export interface Program {
  readonly key: string;
  /** Name of the entry module. */
  readonly module: string;
  readonly hooks: ReadonlySet<Hook>;
  /** Opens the life of one request in the program; costs nothing until the first phase is run. */
  begin(request: ModuleRequest): Invocation;
  /** Gives one `load` back; the thread ends when none is left and no call is running. */
  release(): void;
}

/** What a module sees of a request, and where its host calls about this request go. */
export interface ModuleRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly version: string;
  readonly headers: RawHeaders;
  readonly remoteAddress: string;
  readonly isTls: boolean;
  /** -1 when unknown, 0 when there is no body. */
  readonly contentLength: number;
  /** Name, value, name, value, …; `*` for the wildcard. */
  readonly pathParams: readonly string[];
  readonly route: Route;
  readonly service: Service | undefined;
  readonly namespace: Namespace;
  /** The whole request body; asked at most once, kept by the proxy for forwarding. Rejects with MODULE_BODY_TOO_LARGE. */
  readRequestBody(maxBytes: number): Promise<Buffer>;
  /** The whole upstream body, in the response phase. */
  readUpstreamBody(maxBytes: number): Promise<Buffer>;
}

/** The life of one request in a program. Phases run one after the other; every phase settles (deadline, crash and quarantine become `failure`). */
export interface Invocation {
  /** Service routes: fetchUpstream, then requestModifier (those that exist). */
  request(): Promise<RequestOutcome>;
  /** Handler routes: requestModifier, then requestHandler; errorHandler if that fails. */
  handle(): Promise<HandlerOutcome>;
  /** Service routes: responseModifier; errorHandler if that fails. */
  response(head: UpstreamResponse): Promise<ResponseOutcome>;
  /** Service routes: errorHandler, for an upstream that failed. */
  error(error: SekishoError): Promise<HandlerOutcome>;
  /** The request is over: timers stop, its memory in the thread is freed. */
  end(): void;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  readonly protocol: string;
  /** -1 when unknown. */
  readonly contentLength: number;
}

/** A response that a module wrote. */
export interface ModuleResponse {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** Why a phase failed: the hook that failed and the error to answer (MODULE_FAILED, MODULE_TIMEOUT, MODULE_CRASHED, MODULE_QUARANTINED, …). */
export interface PhaseFailure {
  readonly hook: Hook;
  readonly error: SekishoError;
}

export interface RequestOutcome {
  /** The answer of fetchUpstream. */
  readonly upstreamUrl?: string;
  /** All request fields, when the module changed one. */
  readonly headers?: RawHeaders;
  /** The body that the module wrote. */
  readonly body?: Buffer;
  /** Fields set on ctx.response() so far, to be added to the final response. */
  readonly responseHeaders?: RawHeaders;
  /** The module answered by itself: nothing goes upstream. */
  readonly response?: ModuleResponse;
  readonly failure?: PhaseFailure;
}

export interface HandlerOutcome {
  /** Absent when no hook wrote one. */
  readonly response?: ModuleResponse;
  readonly failure?: PhaseFailure;
}

export interface ResponseOutcome {
  readonly status?: number;
  /** All response fields, when the module changed one. */
  readonly headers?: RawHeaders;
  readonly body?: Buffer;
  readonly responseHeaders?: RawHeaders;
  /** errorHandler (or the module itself) replaced the response. */
  readonly response?: ModuleResponse;
  readonly failure?: PhaseFailure;
}

/** What module code may reach outside its thread; given by the composition root. All calls are of one namespace, the program's. */
export interface Bridge {
  getDocument(namespace: string, collection: string, id: string): Promise<Document | undefined>;
  listDocuments(namespace: string, collection: string, limit: number, offset: number): Promise<readonly Document[]>;
  putDocument(namespace: string, collection: string, id: string, data: unknown): Promise<Document>;
  deleteDocument(namespace: string, collection: string, id: string): Promise<boolean>;
  getCollection(namespace: string, name: string): Promise<Collection | undefined>;
  putCollection(namespace: string, collection: Partial<Collection> & { readonly name: string }): Promise<void>;
  deleteCollection(namespace: string, name: string): Promise<void>;
  getSecret(namespace: string, name: string): Promise<string | undefined>;
}
