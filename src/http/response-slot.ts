import type { Socket } from 'node:net';

/** A socket as node:http's server uses it. */
export interface HttpSocket extends Socket {
  _httpMessage?: ResponseSlot | null;
  _paused?: boolean;
  parser?: { resume(): void } | null;
}

/**
 * Stands where node:http's server expects a ServerResponse, and has the members that the server touches, no more (measured: the stream,
 * event and header machinery of the original costs about as much as the parser). The writing is done by the exchange, straight
 * to the socket. Names with an underscore are node's.
 */
export class ResponseSlot {
  shouldKeepAlive = true;
  /** True makes the server close the connection behind this answer. */
  _last = false;
  _closed = false;
  _expect_continue = false;
  _keepAliveTimeout = 0;
  _maxRequestsPerSocket = 0;
  _onPendingData: unknown = undefined;
  maxRequestsOnConnectionReached = false;
  finished = false;
  destroyed = false;
  #onFinish: (() => void) | undefined = undefined;

  assignSocket(socket: HttpSocket): void {
    socket._httpMessage = this;
  }

  detachSocket(socket: HttpSocket): void {
    socket._httpMessage = null;
  }

  on(event: string, listener: () => void): this {
    if (event === 'finish') this.#onFinish = listener;
    return this;
  }

  /** Nobody listens: node's server asks here for `close`, `drain` and `timeout`, which the connection handles itself. */
  emit(): boolean {
    return false;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Tells node's server that this answer is in the socket: it goes on with the next request, or closes. False for an upgraded socket. */
  protected releaseSlot(): boolean {
    this.finished = true;
    this._closed = true;
    const listener = this.#onFinish;
    this.#onFinish = undefined;
    listener?.();
    return listener !== undefined;
  }
}
