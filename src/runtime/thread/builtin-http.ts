import { toBytes } from './bytes.ts';
import { Headers } from './fields.ts';
import { currentRequest } from './requests.ts';

let webFetch = globalThis.fetch;
const USER_AGENT = 'DGate-Client/1.0';

interface FetchOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: unknown;
  /** `follow` (default), `manual` or `error`. */
  readonly redirect?: 'follow' | 'manual' | 'error';
  /** DGate's name of `redirect`. */
  readonly redirects?: 'follow' | 'manual' | 'error';
  readonly signal?: AbortSignal;
}

/** The answer of `fetch`: DGate's members, and the web's where they have other names. */
class FetchResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly ok: boolean;
  readonly url: string;
  readonly redirected: boolean;
  readonly type: string;
  readonly _debug_time: number;
  readonly #response: globalThis.Response;

  constructor(response: globalThis.Response, seconds: number) {
    this.#response = response;
    this.status = response.status;
    this.statusText = `${response.status} ${response.statusText}`.trim();
    this.headers = new Headers([...response.headers].flat().join('\0'));
    this.ok = response.ok;
    this.url = response.url;
    this.redirected = response.redirected;
    this.type = response.type;
    this._debug_time = seconds;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#response.body as ReadableStream<Uint8Array> | null;
  }

  get bodyUsed(): boolean {
    return this.#response.bodyUsed;
  }

  async json(): Promise<unknown> {
    return await this.#once().json();
  }

  async text(): Promise<string> {
    return await this.#once().text();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return await this.#once().arrayBuffer();
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.arrayBuffer());
  }

  clone(): FetchResponse {
    return new FetchResponse(this.#response.clone(), this._debug_time);
  }

  #once(): globalThis.Response {
    if (this.#response.bodyUsed) throw new Error('body already used');
    return this.#response;
  }
}

/** `fetch` of modules. Ends with the request that made it; a bad URL throws at once. */
export function moduleFetch(target: unknown, options: FetchOptions = {}): Promise<FetchResponse> {
  const url = target instanceof globalThis.Request ? target : new URL(String(target));
  const request = currentRequest.getStore();
  if (request?.ended) return Promise.reject(new Error('the request is over'));
  const signals = options.signal ? [options.signal] : [];
  if (request !== undefined) {
    request.abort ??= new AbortController();
    signals.push(request.abort.signal);
  }
  const headers = new globalThis.Headers(headerPairs(options.headers));
  if (!headers.has('User-Agent')) headers.set('User-Agent', USER_AGENT);
  const started = performance.now();
  return webFetch(url, {
    ...(options.method !== undefined && { method: options.method }),
    headers,
    ...(options.body !== undefined && options.body !== null && { body: bodyOf(options.body) }),
    redirect: options.redirect ?? options.redirects ?? 'follow',
    ...(signals.length > 0 && { signal: signals.length === 1 ? (signals[0] as AbortSignal) : AbortSignal.any(signals) }),
  }).then(
    (response) => new FetchResponse(response, (performance.now() - started) / 1000),
    (error: unknown) => {
      throw describe(error, String((url as URL).href ?? (url as globalThis.Request).url), options.method ?? 'GET');
    },
  );
}

/** From now on calls go by another `fetch`: in threads under test. */
export function replaceFetch(fetch: typeof globalThis.fetch): void {
  webFetch = fetch;
}

/** Node says only `fetch failed`; the reason is in the cause. */
function describe(error: unknown, url: string, method: string): unknown {
  const cause = error instanceof Error ? (error.cause as { message?: string; code?: string } | undefined) : undefined;
  if (!(error instanceof TypeError) || cause === undefined) return error;
  return Object.assign(
    new TypeError(`${method} ${url}: ${cause.message || cause.code || error.message}`, { cause }),
    cause.code !== undefined && { code: cause.code },
  );
}

function headerPairs(headers: unknown): [string, string][] {
  if (headers === undefined || headers === null) return [];
  if (headers instanceof globalThis.Headers || headers instanceof Headers || Array.isArray(headers))
    return [...(headers as Iterable<[string, string]>)];
  return Object.entries(headers as Record<string, unknown>).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((one): [string, string] => [name, String(one)]) : [[name, String(value)] as [string, string]],
  );
}

function bodyOf(body: unknown): NonNullable<RequestInit['body']> {
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams || body instanceof FormData || body instanceof Blob || body instanceof ReadableStream) return body;
  return new Uint8Array(toBytes(body));
}

/** `dgate/http`. */
export const httpModule = { fetch: moduleFetch };
