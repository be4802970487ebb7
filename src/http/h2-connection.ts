import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { RawHeaders } from './exchange.ts';
import { ExchangeH2 } from './exchange-h2.ts';
import type { FrontConnection, FrontState } from './front-state.ts';
import { guardH2Head } from './h2-head.ts';
import type { GuardedHead } from './head-guard.ts';
import { problemHead } from './problem-answer.ts';
import { dateValue } from './response-head-writer.ts';

const MAX_STREAM_ID = 2 ** 31 - 1;

/** One HTTP/2 connection: its streams, its idle time and its graceful end. */
export class H2Connection implements FrontConnection {
  readonly state: FrontState;
  readonly listener: string;
  readonly isTls: boolean;
  readonly remoteAddress: string;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<ExchangeH2>();
  #idleSinceMs: number;

  constructor(session: ServerHttp2Session, state: FrontState, listener: string, isTls: boolean, remoteAddress: string) {
    this.#session = session;
    this.state = state;
    this.listener = listener;
    this.isTls = isTls;
    this.remoteAddress = remoteAddress;
    this.#idleSinceMs = state.nowMs;
    state.connectionSet.add(this);
    session.on('close', () => state.connectionSet.delete(this));
    // The session destroys itself on protocol errors; what it did wrong is the client's business.
    session.on('error', () => undefined);
    session.on('stream', (stream, _headers, flags, rawHeaders) => this.#onStream(stream, flags, rawHeaders));
    if (state.closesIdle) this.drain();
    else if (state.isDraining) this.announceEnd();
  }

  onStreamClose(exchange: ExchangeH2): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size === 0) this.#idleSinceMs = this.state.nowMs;
  }

  onExchangeEnd(): void {
    this.state.inFlight -= 1;
  }

  sweep(nowMs: number): void {
    for (const exchange of this.#exchanges) exchange.sweep(nowMs);
    if (this.#exchanges.size > 0 || nowMs - this.#idleSinceMs < this.state.limits.idleTimeoutMs) return;
    // A client that does not let go of the connection after GOAWAY is cut off one period later.
    if (this.#session.closed) this.#session.destroy();
    else this.#session.close();
    this.#idleSinceMs = nowMs;
  }

  /** The first of two GOAWAYs (RFC 9113 6.8): streams that are on their way are still served. */
  announceEnd(): void {
    for (const exchange of this.#exchanges) exchange.announceEnd();
    if (!this.#session.closed && !this.#session.destroyed) this.#session.goaway(constants.NGHTTP2_NO_ERROR, MAX_STREAM_ID);
  }

  drain(): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
  }

  destroy(): void {
    this.#session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  #onStream(stream: ServerHttp2Stream, flags: number, rawHeaders: RawHeaders): void {
    if (stream.destroyed) return;
    const { state } = this;
    const { method, rawTarget, judged } = guardH2Head(rawHeaders, state.limits);
    if (!judged.ok) {
      this.#reject(stream, judged.error, method, rawTarget);
      return;
    }
    if (state.inFlight >= state.limits.maxInFlight) {
      this.#reject(
        stream,
        new SekishoError('OVERLOADED', `The gateway is serving ${state.limits.maxInFlight} requests, which is its limit.`),
        method,
        rawTarget,
      );
      return;
    }
    this.#open(stream, method, judged, (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0);
  }

  #open(stream: ServerHttp2Stream, method: string, head: GuardedHead, hasBody: boolean): void {
    const { state } = this;
    state.inFlight += 1;
    const exchange = new ExchangeH2(this, stream, method, head, hasBody);
    this.#exchanges.add(exchange);
    try {
      state.onExchange(exchange);
    } catch (cause) {
      const error = new SekishoError('INTERNAL', 'The request failed inside the gateway.', { cause });
      observe({ type: 'error', error, where: 'http' });
      exchange.refuse(error);
    }
  }

  #reject(stream: ServerHttp2Stream, error: SekishoError, method: string, target: string): void {
    const { remoteAddress, listener } = this;
    this.state.onReject({ error, method, target, host: '', version: '2.0', remoteAddress, listener });
    const { head, body } = problemHead(error);
    stream.on('error', () => undefined);
    const fields = [':status', String(head.status), ...head.headers.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))];
    fields.push('content-length', String(body.length), 'date', dateValue());
    stream.respond(fields, { endStream: method === 'HEAD' });
    if (method !== 'HEAD') stream.end(body);
    // RFC 9113 8.1: what is left of the request is not wanted.
    stream.close(constants.NGHTTP2_NO_ERROR);
  }
}
