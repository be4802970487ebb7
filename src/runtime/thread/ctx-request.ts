import { BODY } from '../wire.ts';
import { toArrayBuffer, toBytes } from './bytes.ts';
import { Headers } from './fields.ts';
import { toJson } from './json.ts';
import { Query } from './query.ts';
import type { RequestState } from './state.ts';

/** `ctx.request()`: the client's request. Changes of `headers` and the body go upstream; assigning other members has no effect there. */
export class Request {
  method: string;
  path: string;
  host: string;
  remoteAddress: string;
  proto: string;
  contentLength: number;
  readonly #state: RequestState;
  #headers: Headers | undefined;
  #query: Query | undefined;
  #written: string | Uint8Array | undefined;

  constructor(state: RequestState) {
    this.#state = state;
    this.method = state.method;
    this.path = state.path;
    this.host = state.host;
    this.remoteAddress = state.remoteAddress;
    this.proto = `HTTP/${state.version}`;
    this.contentLength = state.contentLength;
  }

  /** The changed fields in wire form, or undefined. */
  static changedFields(request: Request): string | undefined {
    return request.#headers !== undefined && Headers.isChanged(request.#headers) ? Headers.join(request.#headers) : undefined;
  }

  static writtenBody(request: Request): string | Uint8Array | undefined {
    return request.#written;
  }

  get headers(): Headers {
    this.#headers ??= new Headers(this.#state.headers);
    return this.#headers;
  }

  get query(): Query {
    this.#query ??= new Query(this.#state.query);
    return this.#query;
  }

  /** The whole body. Blocks the thread until it is there; it stays available to the upstream. */
  readBody(): ArrayBuffer {
    return toArrayBuffer(new Uint8Array(this.#bytes()));
  }

  readText(): string {
    return typeof this.#written === 'string' ? this.#written : Buffer.from(this.#bytes()).toString('utf8');
  }

  readJson(): unknown {
    return JSON.parse(this.readText());
  }

  /** Replaces the body that goes upstream. */
  writeBody(body: unknown): void {
    this.#written = typeof body === 'string' ? body : new Uint8Array(toBytes(body));
    this.contentLength = typeof body === 'string' ? Buffer.byteLength(body) : (this.#written as Uint8Array).byteLength;
  }

  writeJson(value: unknown): void {
    this.headers.set('Content-Type', 'application/json');
    this.writeBody(toJson(value));
  }

  #bytes(): Uint8Array {
    if (this.#written !== undefined) return typeof this.#written === 'string' ? Buffer.from(this.#written) : this.#written;
    const state = this.#state;
    if (state.body === BODY.ask) state.body = state.gateway.callSync('readRequestBody', state.inv, []) as Uint8Array;
    if (typeof state.body !== 'number') return state.body;
    if (state.body === BODY.none) return new Uint8Array(0);
    throw Object.assign(new Error(`the request body is over the limit of ${state.maxBodyBytes} bytes that a module may read`), {
      code: 'MODULE_BODY_TOO_LARGE',
    });
  }
}
