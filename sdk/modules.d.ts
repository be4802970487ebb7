/* oxlint-disable typescript/no-explicit-any, typescript/triple-slash-reference -- JSON has any shape unless its reader says; ambient modules cannot be imported */
// The built-in modules, under both of their names. A script without imports: its declarations are global.

declare module 'sekisho' {
  /** Blocks the whole thread, other requests of the program too: prefer `asyncSleep`. Seconds, or a duration as `"100ms"`. */
  export function sleep(span: number | string): void;
  export function asyncSleep(span: number | string): Promise<void>;
  /** Calls `attempt(i)` for i = 0 … count-1 until it returns something truthy, and returns that. */
  export function retry<T>(count: number, attempt: (i: number) => T): T;
  /** Throws an Error. */
  export function fail(message: string): never;
  export * as crypto from 'sekisho/crypto';
  export * as http from 'sekisho/http';
  export * as state from 'sekisho/state';
  export * as storage from 'sekisho/storage';
  export * as util from 'sekisho/util';
}

declare module 'sekisho/extension' {
  /** Thrown by a handler of an extension it answers the request. */
  export class ResponseError extends Error {
    /** A text is the error's; an object is the whole answer, which a status from 200 to 299 needs. */
    constructor(status: number, content?: unknown);
    readonly status: number;
    readonly body: unknown;
  }
  /** What `context.response` of an action with `has_response_ownership` may be: an answer that is no JSON. Bytes or text. */
  export function rawResponse(
    body?: string | Uint8Array,
    options?: { status?: number; headers?: Record<string, string | readonly string[]> },
  ): any;
}

declare module 'sekisho/http' {
  /** HTTP call that ends with the request that makes it. Rejects when the network fails, not for 4xx or 5xx. */
  export function fetch(url: string | URL, options?: import('./index.d.ts').FetchOptions): Promise<import('./index.d.ts').FetchResponse>;
}

declare module 'sekisho/util' {
  export { callbackify, format, inspect, isDeepStrictEqual, promisify, TextDecoder, TextEncoder, types } from 'node:util';
}

declare module 'sekisho/state' {
  /** Null when there is no such document; rejects when there is no such collection. The id comes first. */
  export function getDocument<T = any>(id: string, collection: string): Promise<import('./index.d.ts').Document<T> | null>;
  /** Sorted by id; 100 when no limit is given. */
  export function getDocuments<T = any>(query: {
    collection: string;
    limit?: number;
    offset?: number;
  }): Promise<import('./index.d.ts').Document<T>[]>;
  /** Creates or replaces. Rejects when the data breaks the collection's schema. */
  export function addDocument<D extends { id: string; collection: string; data: unknown }>(document: D): Promise<D>;
  export function deleteDocument<D extends { id: string; collection: string }>(document: D): Promise<D>;
  export function getCollection(name: string): Promise<import('./index.d.ts').Collection>;
  export function addCollection<
    C extends { name: string; schema?: unknown; visibility?: 'public' | 'private'; type?: 'document' | 'fetcher' },
  >(collection: C): Promise<C>;
  export function deleteCollection<C extends { name: string }>(collection: C): Promise<C>;
  /** The text of a secret of the namespace, or null. */
  export function getSecret(name: string): Promise<string | null>;
}

declare module 'sekisho/storage' {
  /** A copy of what any module of the namespace stored on this node, or null. */
  export function getCache<T = any>(id: string): T | null;
  /** Keeps a copy for `ttl` seconds; without it until memory is short. */
  export function setCache(id: string, value: unknown, options?: { ttl?: number }): void;
}

declare module 'sekisho/crypto' {
  type BytesLike = import('./index.d.ts').BytesLike;
  /** `hex`; base64 with and without padding; base64url with and without padding. An ArrayBuffer when absent. */
  type Encoding = 'hex' | 'base64' | 'b64' | 'base64raw' | 'b64raw' | 'base64url' | 'b64url' | 'base64rawurl' | 'b64rawurl';
  type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'sha512_224' | 'sha512_256';
  interface Hasher {
    update(value: BytesLike): this;
    digest(encoding: Encoding): string;
    digest(): ArrayBuffer;
  }
  interface OneShot {
    (value: BytesLike, encoding: Encoding): string;
    (value: BytesLike): ArrayBuffer;
  }
  export function createHash(algorithm: Algorithm): Hasher;
  export function createHmac(algorithm: Algorithm, key: BytesLike): Hasher;
  export function hmac(algorithm: Algorithm, key: BytesLike, value: BytesLike, encoding: Encoding): string;
  export function hmac(algorithm: Algorithm, key: BytesLike, value: BytesLike): ArrayBuffer;
  export const md5: OneShot;
  export const sha1: OneShot;
  export const sha256: OneShot;
  export const sha384: OneShot;
  export const sha512: OneShot;
  export const sha512_224: OneShot;
  export const sha512_256: OneShot;
  export function hexEncode(value: BytesLike): string;
  export function getHashes(): Algorithm[];
  export function randomBytes(size: number): ArrayBuffer;
  /** From 0 or `min`, below `max`. */
  export function randomInt(max: number): number;
  export function randomInt(min: number, max: number): number;
  export function randomUUID(): string;
  /** Compares without telling by its duration where the values differ. */
  export function timingSafeEqual(a: BytesLike, b: BytesLike): boolean;
  export { createSign, createVerify } from 'node:crypto';
}

declare module 'sekisho/secrets' {
  /** The text of a secret of the namespace, or null. */
  export function getSecret(name: string): Promise<string | null>;
}

// DGate's names of the same modules.
declare module 'dgate' {
  export * from 'sekisho';
}
declare module 'dgate/http' {
  export * from 'sekisho/http';
}
declare module 'dgate/util' {
  export * from 'sekisho/util';
}
declare module 'dgate/state' {
  export * from 'sekisho/state';
}
declare module 'dgate/storage' {
  export * from 'sekisho/storage';
}
declare module 'dgate/crypto' {
  export * from 'sekisho/crypto';
}
