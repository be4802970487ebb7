import type { OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamOptions, UpstreamRequest } from './upstream.ts';
import type { Dialer } from './upstream-dialer.ts';
import { toConnectError } from './upstream-errors.ts';
import { Http2Call, type Http2CallOwner } from './upstream-h2-call.ts';
import { toHttp2Headers } from './upstream-h2-head.ts';
import { Http2Session, type Http2SessionOwner } from './upstream-h2-session.ts';
import { type PoolOptions, toOrigin } from './upstream-pool.ts';

/** More than one only when the peer's limit of streams is reached. */
const MAX_SESSIONS = 8;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * HTTP/2 to one origin over a few shared connections: with prior knowledge (`h2c`), or over TLS if the peer agrees to it by ALPN. For one that does not,
 * and for upgrades (RFC 8441 is not spoken), requests go to `http1`; over h2c an upgrade is sent as an ordinary request.
 */
export function createHttp2Upstream(origin: UpstreamOptions, dialer: Dialer, options: PoolOptions, http1: Upstream | undefined): Upstream {
  return new Http2Pool(origin, dialer, options, http1);
}

class Http2Pool implements Upstream, Http2CallOwner, Http2SessionOwner {
  readonly origin: string;
  readonly #dialer: Dialer;
  readonly #options: PoolOptions;
  readonly #http1: Upstream | undefined;
  readonly #scheme: 'http' | 'https';
  readonly #authority: string;
  readonly #connectTimeoutMs: number;
  readonly #sessions = new Set<Http2Session>();
  readonly #dials = new Map<Socket, number>();
  readonly #waiting: Http2Call[] = [];
  readonly #timer = new DeadlineTimer((now) => this.#sweep(now));
  #maxStreams: number | undefined;
  #speaksHttp1 = false;
  #isClosed = false;

  constructor(origin: UpstreamOptions, dialer: Dialer, options: PoolOptions, http1: Upstream | undefined) {
    this.origin = toOrigin(origin);
    this.#dialer = dialer;
    this.#options = options;
    this.#http1 = http1;
    this.#scheme = origin.scheme === 'https' ? 'https' : 'http';
    this.#authority = `${this.#scheme}://${origin.hostname}:${origin.port}`;
    this.#connectTimeoutMs = origin.connectTimeoutMs;
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    if (this.#http1 !== undefined && (this.#speaksHttp1 || request.upgrade !== undefined)) return this.#http1.send(request, handler);
    let fields: OutgoingHttpHeaders;
    try {
      fields = toHttp2Headers(request, this.#scheme);
    } catch (error) {
      return refuse(new Http2Call(request, {}, handler, this), toSekishoError(error));
    }
    const call = new Http2Call(request, fields, handler, this);
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return refuse(call, new SekishoError('OVERLOADED', `${this.#waiting.length} requests wait for a free stream to ${this.origin}.`));
    }
    this.#waiting.push(call);
    this.#startWaiting();
    return call;
  }

  close(): void {
    this.#isClosed = true;
    this.#http1?.close();
    for (const session of this.#sessions) session.close();
    this.#closeTimer();
  }

  watch(at: number): void {
    if (at !== NEVER) this.#timer.arm(at);
  }

  callEnded(call: Http2Call): void {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const session of this.#sessions) {
      session.release(call);
      if (this.#isClosed && session.calls.size === 0) session.close();
    }
    this.#startWaiting();
  }

  callRefused(call: Http2Call): void {
    for (const session of this.#sessions) session.release(call);
    this.#waiting.unshift(call);
    this.#startWaiting();
  }

  streamsPermitted(maxStreams: number): void {
    this.#maxStreams = maxStreams;
    this.#startWaiting();
  }

  sessionClosed(session: Http2Session): void {
    this.#sessions.delete(session);
    this.#startWaiting();
    this.#closeTimer();
  }

  /** Gives waiting calls a stream each, in order, as far as there are some; and begins to make more. */
  #startWaiting(): void {
    for (let call = this.#waiting[0]; call !== undefined; call = this.#waiting[0]) {
      const session = this.#findSession();
      if (session === undefined) {
        if (this.#dials.size === 0 && this.#usableSessions() < MAX_SESSIONS) this.#dial();
        return;
      }
      this.#waiting.shift();
      try {
        session.open(call);
      } catch (error) {
        call.fail(new SekishoError('REQUEST_INVALID', `The request cannot be sent over HTTP/2: ${String(error)}`, { cause: error }));
      }
    }
  }

  #findSession(): Http2Session | undefined {
    for (const session of this.#sessions) if (session.hasCapacity) return session;
    return undefined;
  }

  #usableSessions(): number {
    let count = 0;
    for (const session of this.#sessions) if (!session.isLeaving) count += 1;
    return count;
  }

  #dial(): void {
    const socket = this.#dialer.dial({ alpn: ['h2', 'http/1.1'] });
    const deadline = this.#connectTimeoutMs > 0 ? performance.now() + this.#connectTimeoutMs : NEVER;
    let failure: unknown;
    this.#dials.set(socket, deadline);
    this.watch(deadline);
    const onError = (error: Error): void => {
      failure = error;
    };
    const onClose = (): void => {
      this.#dials.delete(socket);
      this.#dialFailed(failure ?? new Error('connect: closed by the peer'));
    };
    socket.on('error', onError).on('close', onClose);
    socket.once(this.#dialer.readyEvent, () => {
      if (socket.destroyed) return;
      socket.off('error', onError).off('close', onClose);
      this.#dials.delete(socket);
      this.#connected(socket);
    });
  }

  #connected(socket: Socket): void {
    if (this.#http1 !== undefined && (socket as TLSSocket).alpnProtocol !== 'h2') {
      socket.on('error', ignore).destroy();
      this.#speaksHttp1 = true;
      for (const call of this.#waiting.splice(0)) call.forwardTo(this.#http1);
      this.#closeTimer();
      return;
    }
    const { idleTimeoutMs, maxResponseHeaderBytes } = this.#options;
    this.#sessions.add(
      new Http2Session(
        socket,
        this.#authority,
        { idleTimeoutMs, maxHeaderBytes: maxResponseHeaderBytes, maxStreams: this.#maxStreams },
        this,
      ),
    );
    this.#startWaiting();
  }

  /** Without a session nobody can serve those that wait. */
  #dialFailed(failure: unknown): void {
    if (this.#sessions.size > 0) return;
    for (const call of this.#waiting.slice()) call.fail(toConnectError(failure, this.origin));
    this.#closeTimer();
  }

  #closeTimer(): void {
    if (this.#isClosed && this.#sessions.size === 0 && this.#dials.size === 0) this.#timer.close();
  }

  #sweep(now: number): number {
    let next = NEVER;
    const check = (due: { readonly deadline: number; expire(now: number): void }): void => {
      if (due.deadline <= now) due.expire(now);
      if (due.deadline > now) next = Math.min(next, due.deadline);
    };
    for (const call of this.#waiting.slice()) check(call);
    for (const session of this.#sessions) {
      for (const call of session.calls) check(call);
      check(session);
    }
    for (const [socket, deadline] of this.#dials) {
      if (deadline > now) next = Math.min(next, deadline);
      else
        socket.destroy(
          new SekishoError('UPSTREAM_CONNECT', `connect ETIMEDOUT ${this.origin}: no connection within ${this.#connectTimeoutMs} ms`),
        );
    }
    return next;
  }
}

function refuse(call: Http2Call, error: SekishoError): UpstreamCall {
  process.nextTick(() => call.fail(error));
  return call;
}

function ignore(): void {
  /* The socket is not used. */
}
