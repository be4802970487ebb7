import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { ResponseLimits } from './response-parser.ts';
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamOptions, UpstreamRequest } from './upstream.ts';
import { type CallOwner, Http1Call } from './upstream-call.ts';
import { type ConnectionOwner, Http1Connection } from './upstream-connection.ts';
import type { Dialer } from './upstream-dialer.ts';
import { toRequestHead } from './upstream-request-head.ts';

export interface PoolOptions {
  /** Connections at a time, idle ones included. */
  readonly maxConnections: number;
  /** Calls that may wait for one of them. */
  readonly maxWaiting: number;
  /** How long a connection may wait for the next call. Shorter than the upstream's, so that it is not closed under a request. */
  readonly idleTimeoutMs: number;
  readonly maxResponseHeaderBytes: number;
  readonly maxResponseHeaders: number;
  /** False: one request per connection. */
  readonly keepAlive: boolean;
}

/** An upstream closes an idle connection at its announced timeout; a request must not be on its way then. */
const HINT_MARGIN_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

/** `scheme://host:port`, as errors and logs name an upstream. */
export function toOrigin(options: UpstreamOptions): string {
  return `${options.scheme}://${options.hostname}:${options.port}`;
}

/** A pool of HTTP/1.1 connections to one origin. The connection used last is used first, so that few stay open; calls wait in order. */
export function createUpstreamPool(origin: UpstreamOptions, dialer: Dialer, options: PoolOptions): Upstream {
  return new Http1Pool(origin, dialer, options);
}

class Http1Pool implements Upstream, ConnectionOwner, CallOwner {
  readonly origin: string;
  readonly limits: ResponseLimits;
  readonly #dialer: Dialer;
  readonly #options: PoolOptions;
  readonly #connectTimeoutMs: number;
  readonly #connections = new Set<Http1Connection>();
  readonly #idle: Http1Connection[] = [];
  readonly #waiting: Http1Call[] = [];
  readonly #timer = new DeadlineTimer((now) => this.#sweep(now));
  #dialing = 0;
  #isClosed = false;

  constructor(origin: UpstreamOptions, dialer: Dialer, options: PoolOptions) {
    this.origin = toOrigin(origin);
    this.limits = { maxHeadBytes: options.maxResponseHeaderBytes, maxFields: options.maxResponseHeaders };
    this.#dialer = dialer;
    this.#options = options;
    this.#connectTimeoutMs = origin.connectTimeoutMs;
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    let head: string;
    try {
      head = toRequestHead(request);
    } catch (error) {
      return this.#refuse(new Http1Call(request, handler, ''), toSekishoError(error));
    }
    const call = new Http1Call(request, handler, head);
    if (request.upgrade !== undefined) {
      this.#dial(call, true);
      return call;
    }
    const connection = this.#takeIdle();
    if (connection === undefined) this.#wait(call);
    else connection.start(call);
    return call;
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    if (this.#connections.size === 0) this.#timer.close();
  }

  watch(at: number): void {
    this.#timer.arm(at);
  }

  connectionReady(connection: Http1Connection): void {
    const call = connection.dialedFor;
    connection.dialedFor = undefined;
    if (call?.request.upgrade !== undefined) {
      if (call.owner === undefined) connection.destroy();
      else connection.start(call);
      return;
    }
    this.#dialing -= 1;
    if (call !== undefined) call.isDialing = false;
    this.#use(connection);
  }

  connectionReleased(connection: Http1Connection): void {
    if (!this.#options.keepAlive || !connection.isUsable) connection.destroy();
    else this.#use(connection);
  }

  connectionClosed(connection: Http1Connection, error: SekishoError | undefined): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (error !== undefined) this.#dialFailed(connection.dialedFor, error);
    connection.dialedFor = undefined;
    this.#dialForWaiting();
    if (this.#isClosed && this.#connections.size === 0) this.#timer.close();
  }

  abortCall(call: Http1Call): void {
    this.#forget(call);
  }

  resumeCall(): void {
    /* A call that waits has no answer to resume. */
  }

  #refuse(call: Http1Call, error: SekishoError): UpstreamCall {
    call.owner = this;
    process.nextTick(() => call.fail(error));
    return call;
  }

  #takeIdle(): Http1Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #wait(call: Http1Call): void {
    const { maxConnections, maxWaiting } = this.#options;
    if (this.#connections.size < maxConnections) this.#dial(call, false);
    else if (this.#waiting.length - this.#dialing >= maxWaiting) {
      this.#refuse(
        call,
        new SekishoError(
          'OVERLOADED',
          `All ${maxConnections} connections to ${this.origin} are in use and ${maxWaiting} requests wait for one.`,
        ),
      );
      return;
    }
    call.owner = this;
    this.#waiting.push(call);
    if (call.deadline !== NEVER) this.watch(call.deadline);
  }

  #dial(call: Http1Call, isForUpgrade: boolean): void {
    call.owner = this;
    const connection = new Http1Connection(this, this.#dialer, this.#connectTimeoutMs, isForUpgrade);
    connection.dialedFor = call;
    this.#connections.add(connection);
    if (isForUpgrade) return;
    call.isDialing = true;
    this.#dialing += 1;
  }

  /** Gives a free connection to the call that waits longest, or lets it rest. */
  #use(connection: Http1Connection): void {
    const call = this.#waiting.shift();
    if (call !== undefined) connection.start(call);
    else if (this.#isClosed) connection.destroy();
    else {
      this.#idle.push(connection);
      const hint = connection.keepAliveHintMs;
      const rest = Math.min(this.#options.idleTimeoutMs, hint === NEVER ? NEVER : Math.max(hint - HINT_MARGIN_MS, hint / 2));
      connection.rest(performance.now() + rest);
    }
  }

  /** A dial that failed ends the call that asked for it, unless that has got another connection meanwhile. */
  #dialFailed(call: Http1Call | undefined, error: SekishoError): void {
    if (call === undefined || call.request.upgrade !== undefined) {
      call?.fail(error);
      return;
    }
    this.#dialing -= 1;
    call.isDialing = false;
    if (this.#forget(call)) call.fail(error);
  }

  #forget(call: Http1Call): boolean {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  #dialForWaiting(): void {
    while (this.#dialing < this.#waiting.length && this.#connections.size < this.#options.maxConnections) {
      const call = this.#waiting.find((waiting) => !waiting.isDialing);
      if (call === undefined) return;
      this.#dial(call, false);
    }
  }

  /** Ends what is over its deadline and gives the next deadline. */
  #sweep(now: number): number {
    for (const call of this.#waiting.filter(({ deadline }) => deadline <= now)) this.#expireWaiting(call);
    for (const connection of this.#connections) if (connection.deadline <= now) connection.expire();
    let next = NEVER;
    for (const call of this.#waiting) next = Math.min(next, call.deadline);
    for (const connection of this.#connections) if (connection.deadline > now) next = Math.min(next, connection.deadline);
    return next;
  }

  #expireWaiting(call: Http1Call): void {
    if (this.#forget(call))
      call.fail(new SekishoError('UPSTREAM_TIMEOUT', `No connection to ${this.origin} was free within ${call.request.headTimeoutMs} ms.`));
  }
}
