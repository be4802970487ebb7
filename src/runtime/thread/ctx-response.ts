import { INLINE_BODY_CHARS, joinFields, splitFields } from '../wire.ts';
import { toBytes, typeName } from './bytes.ts';
import { type Cookie, type CookieOptions, parseCookies, serializeCookie } from './cookies.ts';
import { Headers } from './fields.ts';
import { toJson } from './json.ts';
import { sniffType } from './sniff.ts';
import type { RequestState } from './state.ts';

/** The response that a module wrote, in wire form. */
export interface Written {
  readonly status: number;
  readonly fields: string;
  readonly body: string | Uint8Array;
}

/** `ctx.response()`: the answer to the client. The first of `send`, `end`, `json`, `redirect` fixes status and headers; later ones append to the body. */
export class Response {
  readonly headers = new Headers();
  locals: Record<string, unknown> = {};
  readonly #state: RequestState;
  #status = 0;
  #reported = '';
  #sent: { readonly status: number; readonly fields: string } | undefined;
  #body: (string | Uint8Array)[] = [];

  constructor(state: RequestState) {
    this.#state = state;
  }

  /** What was sent, or undefined. */
  static written(response: Response): Written | undefined {
    const sent = response.#sent;
    return sent === undefined ? undefined : { ...sent, body: joinBody(response.#body) };
  }

  /** The status that was set but not sent; 0 when none was. */
  static pendingStatus(response: Response): number {
    return response.#sent === undefined ? response.#status : 0;
  }

  /** Those of the fields that no earlier phase has told the gateway, in wire form. */
  static unreported(response: Response, fields: string): string {
    const reported = splitFields(response.#reported);
    if (reported.length === 0) return fields;
    const fresh: string[] = [];
    const all = splitFields(fields);
    for (let i = 0; i < all.length; i += 2) {
      const known = reported.findIndex((name, k) => k % 2 === 0 && name === all[i] && reported[k + 1] === all[i + 1]);
      if (known < 0) fresh.push(all[i] as string, all[i + 1] as string);
      else reported.splice(known, 2);
    }
    return joinFields(fresh);
  }

  /** The fields set since the last call, in wire form; empty when there are none. */
  static takeFields(response: Response): string {
    const fields = Headers.join(response.headers);
    const fresh = Response.unreported(response, fields);
    response.#reported = fields;
    return fresh;
  }

  get headersSent(): boolean {
    return this.#sent !== undefined;
  }

  /** Sets the status that the body is sent with; without one, a handler that only sets it answers with it and no body. */
  status(status: number): this {
    const number = Number(status);
    if (!Number.isInteger(number) || number < 200 || number > 999)
      throw new TypeError(`invalid status ${String(status)}: a response has an integer from 200 to 999`);
    this.#status = number;
    return this;
  }

  /** Sends text or bytes; without a Content-Type its type is guessed from the body. */
  send(body?: unknown): this {
    const chunk = typeof body === 'string' ? body : body === undefined ? '' : bytesOrUndefined(body);
    if (chunk !== undefined && chunk.length > 0 && this.#sent === undefined && !this.headers.has('Content-Type'))
      this.headers.set('Content-Type', sniffType(chunk));
    this.#write(this.#status || 200, chunk ?? '');
    if (chunk === undefined) throw new TypeError(`invalid type ${typeName(body)}, expected (string, []byte or ArrayBuffer)`);
    return this;
  }

  end(body?: unknown): this {
    return this.send(body);
  }

  json(value: unknown): this {
    const text = toJson(value);
    if (this.#sent === undefined) this.headers.set('Content-Type', 'application/json');
    return this.#write(this.#status || 200, text);
  }

  /** Answers 307; a relative target is resolved against the path of the request. */
  redirect(url: string): this {
    return this.#redirect(307, 'Temporary Redirect', url);
  }

  /** Answers 301. */
  redirectPermanent(url: string): this {
    return this.#redirect(301, 'Moved Permanently', url);
  }

  location(url: string): this {
    this.headers.set('Location', url);
    return this;
  }

  cookie(name: string, value: string, options?: CookieOptions): this {
    this.headers.add('Set-Cookie', serializeCookie(name, value, options));
    return this;
  }

  /** Cookies of the request. */
  getCookies(): Cookie[] {
    return parseCookies(new Headers(this.#state.headers).values('cookie'));
  }

  getCookie(name: string): Cookie | null {
    return this.getCookies().find((cookie) => cookie.name === name) ?? null;
  }

  #redirect(status: number, phrase: string, url: string): this {
    const target = resolveTarget(String(url), this.#state.path);
    if (this.#sent === undefined) {
      this.headers.set('Location', target);
      const page = !this.headers.has('Content-Type') && (this.#state.method === 'GET' || this.#state.method === 'HEAD');
      if (page) this.headers.set('Content-Type', 'text/html; charset=utf-8');
      return this.#write(status, page ? `<a href="${escapeHtml(target)}">${phrase}</a>.\n\n` : '');
    }
    return this;
  }

  #write(status: number, chunk: string | Uint8Array): this {
    this.#sent ??= { status, fields: Headers.join(this.headers) };
    if (chunk.length > 0) this.#body.push(chunk);
    return this;
  }
}

function joinBody(chunks: readonly (string | Uint8Array)[]): string | Uint8Array {
  const [first = ''] = chunks;
  if (chunks.length <= 1) return typeof first === 'string' && first.length > INLINE_BODY_CHARS ? new Uint8Array(Buffer.from(first)) : first;
  return new Uint8Array(Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))));
}

function bytesOrUndefined(body: unknown): Uint8Array | undefined {
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? new Uint8Array(toBytes(body)) : undefined;
}

/** RFC 3986 resolution of a path-relative target; anything with a scheme or a leading slash stays. */
export function resolveTarget(url: string, path: string): string {
  if (url.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(url)) return url;
  const { pathname, search, hash } = new URL(url, `http://host${path}`);
  return pathname + search + hash;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
