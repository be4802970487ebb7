/* oxlint-disable typescript/no-explicit-any, typescript/triple-slash-reference -- JSON has any shape unless its reader says; ambient modules cannot be imported */
/// <reference path="./modules.d.ts" />

/*
 * Types for authors of Sekisho modules.
 *
 *   import type { Context } from '@sekisho/sdk';
 *   export const requestHandler = (ctx: Context) => ctx.response().json({ hello: ctx.pathParam('name') });
 *
 * The built-in modules (`sekisho/http`, `sekisho/state`, …) are typed too, under their DGate names as well (`dgate/…`).
 */

/** What bodies and hashes take: text or bytes. */
export type BytesLike = string | ArrayBuffer | ArrayBufferView;

/** The one object that all hooks of a request get. */
export interface Context {
  /** Id of the request, as in the log. */
  readonly id: string;
  /** The client's request. */
  request(): Request;
  /** The answer to the client. */
  response(): Response;
  /** The upstream's answer: in `responseModifier` and the `errorHandler` after it. Null elsewhere. */
  upstream(): Upstream;
  /** Parts of the path that the route's pattern names; `*` for its wildcard. */
  pathParams(): Record<string, string>;
  /** One of them, `""` when there is none of that name. */
  pathParam(name: string): string;
  /** The same as `request().query`. */
  query(): Query;
  route(): Route;
  /** Null on routes without a service. */
  service(): Service;
  namespace(): Namespace;
  /** A value that an earlier hook of this request stored; null when there is none. */
  get<T = unknown>(key: string): T | null;
  /** Stores a value for later hooks of this request. */
  set(key: string, value: unknown): void;
}

/** The client's request. Changes of `headers` and body go upstream; assigning other members has no effect there. */
export interface Request {
  method: string;
  /** Percent-encoded path as the gateway matched it. */
  path: string;
  /** Authority as the client sent it. */
  host: string;
  /** IP address of the client, behind trusted proxies the one that they tell. */
  remoteAddress: string;
  /** `HTTP/1.1` */
  proto: string;
  /** Bytes; -1 when unknown. */
  contentLength: number;
  readonly headers: Headers;
  readonly query: Query;
  /** The whole body. The upstream still gets it. Throws an error with code MODULE_BODY_TOO_LARGE beyond `modules.max_body_bytes`. */
  readBody(): ArrayBuffer;
  readText(): string;
  readJson<T = any>(): T;
  /** Replaces the body that goes upstream. */
  writeBody(body: BytesLike): void;
  /** The same with Content-Type `application/json`. */
  writeJson(value: unknown): void;
}

/** The answer to the client. The first of `send`, `end`, `json` and `redirect` fixes status and headers; later ones append to the body. */
export interface Response {
  readonly headers: Headers;
  /** True once something was sent. */
  readonly headersSent: boolean;
  /** Yours, for this request. */
  locals: Record<string, unknown>;
  /** Sets the status that the body is sent with. */
  status(status: number): this;
  /** Sends text or bytes; without a Content-Type it is guessed from the body. */
  send(body?: BytesLike): this;
  end(body?: BytesLike): this;
  /** Sends JSON: `undefined` is null, a Date is RFC 3339, a BigInt is a string. */
  json(value: unknown): this;
  /** Answers 307; a relative target is resolved against the request's path. */
  redirect(url: string): this;
  /** Answers 301. */
  redirectPermanent(url: string): this;
  /** Sets the Location field. */
  location(url: string): this;
  /** Adds a Set-Cookie field. */
  cookie(name: string, value: string, options?: CookieOptions): this;
  /** Cookies of the request. */
  getCookies(): Cookie[];
  getCookie(name: string): Cookie | null;
}

/** The upstream's answer, to be changed before the client gets it. */
export interface Upstream {
  readonly headers: Headers;
  statusCode: number;
  /** `200 OK` */
  readonly statusText: string;
  readonly protocol: string;
  /** Bytes; -1 when unknown. */
  readonly contentLength: number;
  readonly uncompressed: boolean;
  readonly transferEncoding: readonly string[];
  readonly trailer: Headers;
  /** The whole body, its Content-Encoding undone. The client still gets it. */
  readBody(): Promise<ArrayBuffer>;
  readText(): Promise<string>;
  readJson<T = any>(): Promise<T>;
  /** Replaces the body. */
  writeBody(body: BytesLike): this;
  /** The same with Content-Type `application/json`. */
  writeJson(value: unknown): this;
  status(status: number): this;
  /** Makes it a 307 with an empty body. */
  redirect(url: string): this;
  /** Makes it a 301 with an empty body. */
  redirectPermanent(url: string): this;
  /** The query of the request. */
  query(): Query;
  /** Cookies that the upstream sets. */
  cookie(): Cookie[];
}

/** Header fields: names without case, several values per name. As JSON: `{"Name": ["v1", "v2"]}`. */
export interface Headers extends Iterable<[name: string, value: string]> {
  /** The first value, `""` when there is none. */
  get(name: string): string;
  values(name: string): string[];
  has(name: string): boolean;
  /** Replaces all values. Throws when name or value would break the message. */
  set(name: string, value: unknown): void;
  add(name: string, value: unknown): void;
  append(name: string, value: unknown): void;
  del(name: string): void;
  delete(name: string): void;
  clone(): Headers;
  forEach(callback: (value: string, name: string, headers: Headers) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
}

/** Query parameters. Changing them does not change the request. */
export interface Query extends Iterable<[name: string, value: string]> {
  /** The first value, `""` when there is none. */
  get(name: string): string;
  values(name: string): string[];
  getAll(name: string): string[];
  has(name: string): boolean;
  set(name: string, value: unknown): void;
  add(name: string, value: unknown): void;
  del(name: string): void;
  delete(name: string): void;
  keys(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  forEach(callback: (value: string, name: string) => void): void;
  /** `a=1&b=2`, sorted by name. */
  encode(): string;
}

export interface CookieOptions {
  readonly domain?: string;
  readonly expires?: Date | string | number;
  readonly httpOnly?: boolean;
  /** Seconds. */
  readonly maxAge?: number;
  readonly path?: string;
  readonly secure?: boolean;
  readonly sameSite?: 'lax' | 'strict' | 'none';
}

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly domain: string;
  readonly expires: Date | null;
  readonly maxAge: number;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: string;
  readonly raw: string;
}

export interface Namespace {
  name: string;
  tags?: string[];
}

export interface Route {
  name: string;
  namespace: string;
  paths: string[];
  methods: string[];
  preserveHost: boolean;
  stripPath: boolean;
  service?: string;
  modules?: string[];
  tags?: string[];
}

export interface Service {
  name: string;
  namespace: string;
  urls: string[];
  retries: number;
  retryTimeout: string | number;
  connectTimeout: string | number;
  requestTimeout: string | number;
  tlsSkipVerify: boolean;
  http2Only: boolean;
  hideDGateHeaders: boolean;
  disableQueryParams: boolean;
  tags?: string[];
}

/** A JSON document of a collection. */
export interface Document<T = any> {
  readonly id: string;
  readonly namespace: string;
  readonly collection: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly data: T;
}

export interface Collection {
  readonly name: string;
  readonly namespace: string;
  /** JSON Schema of its documents. */
  readonly schema?: unknown;
  readonly visibility: 'public' | 'private';
  readonly type: 'document' | 'fetcher';
}

export interface FetchOptions {
  readonly method?: string;
  readonly body?: BytesLike | URLSearchParams | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | Iterable<readonly [string, string]>;
  /** What to do with a redirect; `follow` when absent. */
  readonly redirect?: 'follow' | 'manual' | 'error';
  /** DGate's name of `redirect`. */
  readonly redirects?: 'follow' | 'manual' | 'error';
  readonly signal?: AbortSignal;
}

/** The answer of `fetch`. */
export interface FetchResponse {
  readonly status: number;
  /** `200 OK` */
  readonly statusText: string;
  readonly headers: Headers;
  /** True for 2xx. */
  readonly ok: boolean;
  readonly url: string;
  readonly redirected: boolean;
  readonly bodyUsed: boolean;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Seconds until the head was there. */
  readonly _debug_time: number;
  json<T = any>(): Promise<T>;
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  clone(): FetchResponse;
}

/** Picks the upstream of a service route; runs first. Returns an absolute URL. */
export type FetchUpstream = (ctx: Context) => string | Promise<string>;
/** Changes the request before it goes upstream (or to `requestHandler`). A response written here is the answer. */
export type RequestModifier = (ctx: Context) => unknown;
/** Changes the upstream's answer by `ctx.upstream()`. */
export type ResponseModifier = (ctx: Context) => unknown;
/** Answers the requests of a route without service; 204 when it writes nothing. */
export type RequestHandler = (ctx: Context) => unknown;
/** Answers when the upstream, `responseModifier` or `requestHandler` failed. `error` is what was thrown. */
export type ErrorHandler = (ctx: Context, error: Error & { readonly code?: string }) => unknown;
