import type { Duplex, Readable } from 'node:stream';
import type { SekishoError } from '../lib/errors.ts';
import type { RawHeaders } from './exchange.ts';

/** Where requests go: one origin and how it is reached. Equal options share one `Upstream` and its pool of connections. */
export interface UpstreamOptions {
  /** `http`, `https` (ALPN decides between 1.1 and 2 when `http2` is set) or `h2c`. */
  readonly scheme: 'http' | 'https' | 'h2c';
  readonly hostname: string;
  readonly port: number;
  /** Speak HTTP/2 over TLS if the upstream agrees. */
  readonly http2: boolean;
  readonly tlsSkipVerify: boolean;
  readonly connectTimeoutMs: number;
}

/** A request as it is written: `headers` are final (Host included as the first field, framing excluded), `target` is origin-form and visible ASCII only. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  /** Whole (sent with Content-Length), a stream (framed by `contentLength` or chunked), or none. */
  readonly body: Buffer | Readable | undefined;
  readonly contentLength: number | undefined;
  /** Set to ask for an upgrade; the answer is then `onUpgrade` or an ordinary response. */
  readonly upgrade: string | undefined;
  /** Milliseconds until the response head must be there, from `send` on, or from the end of a streamed body; 0 = no limit of its own. */
  readonly headTimeoutMs: number;
  /** Milliseconds without a byte in either direction of the body after which the attempt fails; 0 = none. */
  readonly idleTimeoutMs: number;
}

/** Receives one answer. Order: `onInform`*, then (`onHead`, `onData`*, `onEnd`) or `onUpgrade`; `onError` once instead of anything that is still to come. */
export interface UpstreamHandler {
  onInform(status: number, headers: RawHeaders): void;
  /** `headers` are already free of hop-by-hop fields and of Content-Length; `contentLength` is known when the answer declares it. `hasBody` false means `onEnd` follows at once. */
  onHead(
    status: number,
    reason: string,
    headers: RawHeaders,
    contentLength: number | undefined,
    hasBody: boolean,
    protocol: 'HTTP/1.1' | 'HTTP/1.0' | 'HTTP/2.0',
  ): void;
  /** Return false to pause; then call `resume` of the call. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: RawHeaders): void;
  /** Upstream agreed to upgrade: the (paused) `socket` is yours now, `firstBytes` are what came behind the head; `headers` lack Connection and Upgrade. */
  onUpgrade(headers: RawHeaders, socket: Duplex, firstBytes: Buffer): void;
  /** `sent` false: not one byte of the request reached the wire, so that any method may be retried. */
  onError(error: SekishoError, sent: boolean): void;
}

export interface UpstreamCall {
  /** Gives the call up: the connection is closed (HTTP/1) or the stream reset (HTTP/2); no handler method is called afterwards. */
  abort(): void;
  resume(): void;
}

/** A pool of connections to one origin. */
export interface Upstream {
  readonly origin: string;
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall;
  /** Closes idle connections now and the others when their answers are complete. */
  close(): void;
}
