import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { toArrayBuffer, toBytes } from './bytes.ts';
import { type Cookie, parseSetCookies } from './cookies.ts';
import { resolveTarget } from './ctx-response.ts';
import { Headers } from './fields.ts';
import { toJson } from './json.ts';
import { Query } from './query.ts';
import type { RequestState, UpstreamState } from './state.ts';

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/** `ctx.upstream()`: the upstream's answer, to be changed before the client gets it. */
export class Upstream {
  readonly headers: Headers;
  statusCode: number;
  readonly statusText: string;
  readonly protocol: string;
  readonly contentLength: number;
  readonly uncompressed: boolean = false;
  readonly transferEncoding: readonly string[] = [];
  readonly trailer = new Headers();
  readonly #request: RequestState;
  readonly #answer: UpstreamState;
  #read: Promise<Uint8Array> | undefined;
  #written: string | Uint8Array | undefined;

  constructor(request: RequestState, answer: UpstreamState) {
    this.#request = request;
    this.#answer = answer;
    this.headers = new Headers(answer.headers);
    this.statusCode = answer.status;
    this.statusText = `${answer.status} ${answer.reason}`.trim();
    this.protocol = answer.protocol;
    this.contentLength = answer.contentLength;
  }

  /** The status when the module changed it. */
  static changedStatus(upstream: Upstream): number | undefined {
    const status = Number(upstream.statusCode);
    return status !== upstream.#answer.status && Number.isInteger(status) && status >= 200 && status <= 999 ? status : undefined;
  }

  static changedFields(upstream: Upstream): string | undefined {
    return Headers.isChanged(upstream.headers) ? Headers.join(upstream.headers) : undefined;
  }

  static writtenBody(upstream: Upstream): string | Uint8Array | undefined {
    return upstream.#written;
  }

  /** The whole body with its Content-Encoding undone. The client still gets it, unless another one is written. */
  async readBody(): Promise<ArrayBuffer> {
    return toArrayBuffer(new Uint8Array(await this.#bytes()));
  }

  async readText(): Promise<string> {
    return typeof this.#written === 'string' ? this.#written : Buffer.from(await this.#bytes()).toString('utf8');
  }

  async readJson(): Promise<unknown> {
    return JSON.parse(await this.readText());
  }

  /** Replaces the body; it is sent without Content-Encoding. */
  writeBody(body: unknown): this {
    this.#written = typeof body === 'string' ? body : new Uint8Array(toBytes(body));
    if (this.headers.has('Content-Encoding')) this.headers.del('Content-Encoding');
    return this;
  }

  writeJson(value: unknown): this {
    this.writeBody(toJson(value));
    this.headers.set('Content-Type', 'application/json');
    return this;
  }

  status(status: number): this {
    if (!Number.isInteger(status) || status < 200 || status > 999)
      throw new TypeError(`invalid status ${String(status)}: a response has an integer from 200 to 999`);
    this.statusCode = status;
    return this;
  }

  redirect(url: string): this {
    return this.#redirect(307, url);
  }

  redirectPermanent(url: string): this {
    return this.#redirect(301, url);
  }

  /** The query of the request. */
  query(): Query {
    return new Query(this.#request.query);
  }

  /** Cookies that the upstream sets. */
  cookie(): Cookie[] {
    return parseSetCookies(this.headers.values('set-cookie'));
  }

  #redirect(status: number, url: string): this {
    this.headers.set('Location', resolveTarget(String(url), this.#request.path));
    this.statusCode = status;
    return this.writeBody('');
  }

  async #bytes(): Promise<Uint8Array> {
    if (this.#written !== undefined) return typeof this.#written === 'string' ? Buffer.from(this.#written) : this.#written;
    this.#read ??= this.#load();
    return await this.#read;
  }

  async #load(): Promise<Uint8Array> {
    let bytes = this.#answer.body ?? ((await this.#request.gateway.call('readUpstreamBody', this.#request.inv, [])) as Uint8Array);
    const codings = new Headers(this.#answer.headers).values('content-encoding').join(',').toLowerCase().split(',');
    for (const coding of codings.map((name) => name.trim()).toReversed()) {
      const decode = DECODERS[coding as keyof typeof DECODERS];
      if (decode !== undefined && bytes.byteLength > 0) bytes = await decode(bytes, { maxOutputLength: this.#request.maxBodyBytes });
    }
    return bytes;
  }
}
