import type { Socket } from 'node:net';
import { observe } from '../lib/event.ts';
import type { ExchangeHandler } from './exchange.ts';
import type { FrontConnection, FrontLimits, FrontState, Rejection } from './front-state.ts';
import { type Listener, type ListenOptions, openListener } from './listener.ts';

/** What a frontend serves. */
export interface FrontendOptions {
  readonly limits: FrontLimits;
  /** Called once for every request that passed the head guard. */
  readonly onExchange: ExchangeHandler;
  /** Called for every request that the front answered itself because it broke a rule or a limit. */
  readonly onReject?: (rejection: Rejection) => void;
}

/** The client side of the gateway: any number of listeners whose requests go to one handler. */
export interface Frontend {
  /** Rejects with LISTEN_FAILED. */
  listen(options: ListenOptions): Promise<Listener>;
  /** Open client connections, tunnels included. */
  readonly connections: number;
  /** Exchanges that are not answered completely. */
  readonly inFlight: number;
  /**
   * Stops accepting, closes idle connections and the others behind their answers (`Connection: close`, GOAWAY); what is still open after
   * `graceMs` is cut. For the first `idleMs` (default 0) of it idle connections stay open and requests on them are answered: a client that
   * has just sent one, because the answer before it did not say that the connection ends, loses nothing. Resolves when the last connection is
   * closed.
   */
  drain(graceMs: number, idleMs?: number): Promise<void>;
  /** Cuts everything now. */
  close(): void;
}

const MAX_SWEEP_MS = 1000;

/** Makes a frontend without listeners. */
export function createFrontend(options: FrontendOptions): Frontend {
  return new FrontendOfListeners(options);
}

class FrontendOfListeners implements Frontend, FrontState {
  readonly limits: FrontLimits;
  readonly onExchange: ExchangeHandler;
  readonly onReject: (rejection: Rejection) => void;
  readonly connectionSet = new Set<FrontConnection>();
  nowMs = Date.now();
  inFlight = 0;
  isDraining = false;
  closesIdle = false;
  readonly #listeners = new Set<Listener>();
  readonly #sockets = new Set<Socket>();
  readonly #sweep: NodeJS.Timeout;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: FrontendOptions) {
    this.limits = options.limits;
    this.onExchange = options.onExchange;
    this.onReject = options.onReject ?? (() => undefined);
    const { bodyStartTimeoutMs, bodyIdleTimeoutMs, idleTimeoutMs, requestTimeoutMs } = options.limits;
    const shortest = Math.min(bodyStartTimeoutMs, bodyIdleTimeoutMs, idleTimeoutMs, requestTimeoutMs);
    this.#sweep = setInterval(() => this.#onSweep(), Math.min(MAX_SWEEP_MS, Math.max(10, Math.floor(shortest / 4))));
    this.#sweep.unref();
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const listener = await openListener(this, options, (socket) => this.#admit(socket, options.name));
    const opened: Listener = {
      port: listener.port,
      setFallback: listener.setFallback,
      closeIdle: listener.closeIdle,
      stopAccepting: listener.stopAccepting,
      close: () => {
        // A draining listener still has idle connections to close.
        if (!this.closesIdle) this.#listeners.delete(opened);
        listener.close();
      },
    };
    this.#listeners.add(opened);
    return opened;
  }

  async drain(graceMs: number, idleMs = 0): Promise<void> {
    this.isDraining = true;
    for (const listener of this.#listeners) listener.stopAccepting();
    for (const connection of this.connectionSet) connection.announceEnd();
    if (idleMs > 0) {
      await this.#untilEmpty(Math.min(idleMs, graceMs));
    }
    this.closesIdle = true;
    for (const listener of this.#listeners) {
      listener.closeIdle();
      listener.close();
    }
    for (const connection of this.connectionSet) connection.drain();
    await this.#untilEmpty(Math.max(0, graceMs - idleMs));
    this.close();
    // The sockets are destroyed; their `close` events make the numbers right.
    await this.#untilEmpty(graceMs);
  }

  close(): void {
    this.isDraining = this.closesIdle = true;
    clearInterval(this.#sweep);
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.connectionSet) connection.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #admit(socket: Socket, listener: string): boolean {
    if (this.#sockets.size >= this.limits.maxConnections || this.isDraining) {
      socket.destroy();
      observe({ type: 'connection.refused', listener });
      return false;
    }
    this.#sockets.add(socket);
    observe({ type: 'connection.opened', listener });
    socket.once('close', () => {
      this.#sockets.delete(socket);
      observe({ type: 'connection.closed', listener });
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    return true;
  }

  async #untilEmpty(timeoutMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onSweep(): void {
    this.nowMs = Date.now();
    for (const connection of this.connectionSet) connection.sweep(this.nowMs);
    if (this.closesIdle) for (const listener of this.#listeners) listener.closeIdle();
  }
}
