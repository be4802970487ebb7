import type { SekishoError } from '../lib/errors.ts';
import type { ExchangeHandler } from './exchange.ts';
import type { HeadLimits } from './head-guard.ts';

/** Bounds of everything that a client can make the front hold. All finite. */
export interface FrontLimits extends HeadLimits {
  /** From the first byte of a request (or the opening of the connection) until its head is complete; also for a TLS handshake. */
  readonly headerTimeoutMs: number;
  /** From the head until the first byte of a declared body. */
  readonly bodyStartTimeoutMs: number;
  /** Without progress of a body: received from the client, or sent to a client that does not read. */
  readonly bodyIdleTimeoutMs: number;
  /** Until a request has arrived completely; also without a byte in either direction of a tunnel. */
  readonly requestTimeoutMs: number;
  /** How long a connection may stay open without a request. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
}

/** A request that was answered by the front itself, because it broke a rule or a limit. */
export interface Rejection {
  readonly error: SekishoError;
  /** As far as they were understood; empty when the head was not readable at all. */
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly version: string;
  readonly remoteAddress: string;
  readonly listener: string;
}

/** A connection as the front sees it when it supervises time and its own end. */
export interface FrontConnection {
  readonly listener: string;
  /** Called about once a second: ends what has taken too long. */
  sweep(nowMs: number): void;
  /** The connection is to end soon: tells the client so, where the protocol has a word for it. Requests are still served. */
  announceEnd(): void;
  /** Ends when the exchanges that are open have ended; at once when there are none. */
  drain(): void;
  destroy(): void;
}

/** What all connections of one frontend share. */
export interface FrontState {
  readonly limits: FrontLimits;
  readonly onExchange: ExchangeHandler;
  readonly onReject: (rejection: Rejection) => void;
  readonly connectionSet: Set<FrontConnection>;
  /** Coarse clock, moved by the sweep, so that noting a time costs one read. */
  nowMs: number;
  inFlight: number;
  /** Answers say that their connection ends. */
  isDraining: boolean;
  /** Connections that wait for a request are closed, though their last answer did not say so. */
  closesIdle: boolean;
}
