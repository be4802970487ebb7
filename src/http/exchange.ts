import type { Readable } from 'node:stream';

/**
 * Header fields as on the wire: name, value, name, value, … in order, values as latin1 text.
 * The only form in which fields travel on the hot path: no object is built, duplicates and their order survive.
 */
export type RawHeaders = readonly string[];

/** The head of a response that is to be sent. Framing (Content-Length of a whole body, Transfer-Encoding, Connection, Date) is added by the sender. */
export interface ResponseHead {
  readonly status: number;
  /** Reason phrase of HTTP/1; the standard one when absent. */
  readonly reason?: string;
  readonly headers: RawHeaders;
}

/**
 * One request from a client that passed the head guard, and the way to answer it. Every request gets exactly one answer:
 * `respond` (whole), or `begin` … `end` (streamed), or `tunnel`, or `destroy`.
 */
export interface Exchange {
  readonly method: string;
  /** Canonical origin-form target (RFC 3986 normalised): the one string that is matched, logged and forwarded. */
  readonly target: string;
  /** The path of `target`, percent-encoded where it must be. */
  readonly path: string;
  /** What follows `?` in `target`, without it; empty when there is none. */
  readonly query: string;
  readonly version: '1.0' | '1.1' | '2.0';
  /** Host name, lower case, without port and trailing dot; an IPv6 literal keeps its brackets. */
  readonly host: string;
  /** The authority as the client sent it (Host or `:authority`), with its port. */
  readonly authority: string;
  /** All fields of the client that passed the guard, hop-by-hop ones included, pseudo-headers not. */
  readonly headers: RawHeaders;
  readonly isTls: boolean;
  /** IP of the socket's peer, v4-mapped v6 unwrapped. */
  readonly remoteAddress: string;
  readonly listener: string;
  /** The body, or undefined when the request has none. Its length in bytes is `contentLength` when declared. Reading it sends `100 Continue` if that is expected. */
  readonly body: Readable | undefined;
  readonly contentLength: number | undefined;
  /** The protocol that the client asks to upgrade to (`websocket`), if any. */
  readonly upgrade: string | undefined;
  /** True once a response head was handed to the socket. */
  readonly headSent: boolean;
  /** True when the client is gone. */
  readonly aborted: boolean;

  /** Sends a whole response. The body of a HEAD, 204 or 304 is dropped here, its Content-Length kept. */
  respond(head: ResponseHead, body?: Buffer | string): void;
  /** Sends the head at once with the first chunk or `flush`; the body follows by `write`. */
  begin(head: ResponseHead): void;
  /** Sends a 1xx other than 101. */
  inform(status: number, headers: RawHeaders): void;
  /** False when the client is slower than the writer: pause until `onDrain`. */
  write(chunk: Buffer): boolean;
  flush(): void;
  /** Ends the streamed body; `trailers` are sent on HTTP/2 and, when announced, on HTTP/1.1 chunked. */
  end(trailers?: RawHeaders): void;
  onDrain(listener: () => void): void;
  /** Called once if the client goes away before the answer is complete; listeners that were added before are called before. */
  onAbort(listener: () => void): void;
  /** Called once when the answer was handed to the socket completely, or the exchange died. At most one listener. */
  onFinish(listener: (responseBytes: number) => void): void;
  /** Answers 101 and joins the client's socket with `peer` both ways until either ends; `firstBytes` of the peer are written first. */
  tunnel(head: ResponseHead, peer: import('node:stream').Duplex, firstBytes: Buffer): void;
  /** Closes the connection (HTTP/1) or resets the stream (HTTP/2) without an answer. */
  destroy(): void;
}

/** Called for every request that passes the guard. It must not throw; what it does throw ends that exchange alone. */
export type ExchangeHandler = (exchange: Exchange) => void;
