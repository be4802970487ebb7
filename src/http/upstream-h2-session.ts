import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { Http2Call } from './upstream-h2-call.ts';

/** Streams on a session whose peer has not told its limit yet; the least that RFC 9113 6.5.2 recommends. */
const ASSUMED_STREAMS = 100;
const STREAM_WINDOW_BYTES = 262_144;
const SESSION_WINDOW_BYTES = 4_194_304;
const PING_EVERY_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;
/** For a peer to end its side of a session without calls. */
const LINGER_MS = 5000;

export interface Http2SessionOwner {
  watch(at: number): void;
  /** The peer told how many streams it permits on a connection. */
  streamsPermitted(maxStreams: number): void;
  sessionClosed(session: Http2Session): void;
}

export interface Http2SessionLimits {
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** What another session to the same peer was told. */
  readonly maxStreams: number | undefined;
}

/** One HTTP/2 connection to an upstream, with its calls. */
export class Http2Session {
  /** When the next ping or the end of the idle time is due; ms of `performance.now()`. The owner calls `expire` after it. */
  deadline: number;
  readonly calls = new Set<Http2Call>();
  readonly #session: ClientHttp2Session;
  readonly #owner: Http2SessionOwner;
  readonly #idleTimeoutMs: number;
  #maxStreams: number;
  #idleSince = performance.now();
  #isAwaitingPong = false;
  #isLeaving = false;

  /** Takes over a socket that is connected (and, for TLS, has agreed on `h2`). */
  constructor(socket: Socket, authority: string, limits: Http2SessionLimits, owner: Http2SessionOwner) {
    this.#maxStreams = limits.maxStreams ?? ASSUMED_STREAMS;
    this.#owner = owner;
    this.#idleTimeoutMs = limits.idleTimeoutMs;
    const session = connect(authority, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: limits.maxHeaderBytes },
    });
    this.#session = session;
    session.on('connect', () => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
    session.on('remoteSettings', (settings) => {
      this.#maxStreams = settings.maxConcurrentStreams ?? Number.MAX_SAFE_INTEGER;
      owner.streamsPermitted(this.#maxStreams);
    });
    session.on('goaway', (_code, lastStreamId) => this.#leave(lastStreamId));
    session.on('error', ignore);
    session.on('close', () => owner.sessionClosed(this));
    this.deadline = this.#nextDeadline();
    owner.watch(this.deadline);
  }

  /** True when it takes no more calls. */
  get isLeaving(): boolean {
    return this.#isLeaving || this.#session.closed || this.#session.destroyed;
  }

  get hasCapacity(): boolean {
    if (this.isLeaving) return false;
    return this.calls.size < this.#maxStreams;
  }

  /** Opens a stream for the call. Throws when the session or the fields do not permit it. */
  open(call: Http2Call): void {
    const stream: ClientHttp2Stream = this.#session.request(call.fields, { endStream: call.request.body === undefined });
    this.calls.add(call);
    call.start(stream);
  }

  /** The call is over. */
  release(call: Http2Call): void {
    if (!this.calls.delete(call)) return;
    if (this.calls.size === 0) this.#idleSince = performance.now();
    if (this.#isLeaving) this.close();
  }

  /** The deadline is over: pings a session in use, gives up one that does not answer, closes one that is idle. */
  expire(now: number): void {
    if (this.#isAwaitingPong) this.#session.destroy(new Error(`no answer to a ping within ${PING_TIMEOUT_MS} ms`));
    else if (this.isLeaving && this.calls.size === 0) this.#session.destroy();
    else if (this.calls.size === 0 && now - this.#idleSince >= this.#idleTimeoutMs) this.close();
    else if (this.calls.size > 0) this.#ping();
    this.#setDeadline(this.#isAwaitingPong ? now + PING_TIMEOUT_MS : this.#nextDeadline());
  }

  /** Takes no more calls and ends with the last one. */
  close(): void {
    this.#isLeaving = true;
    if (this.#session.destroyed || this.calls.size > 0) return;
    this.#session.close();
    this.#setDeadline(performance.now() + LINGER_MS);
  }

  #ping(): void {
    this.#isAwaitingPong = this.#session.ping(() => {
      this.#isAwaitingPong = false;
      this.#setDeadline(this.#nextDeadline());
    });
  }

  #setDeadline(at: number): void {
    this.deadline = at;
    this.#owner.watch(at);
  }

  #nextDeadline(): number {
    const now = performance.now();
    if (this.#isLeaving && this.calls.size === 0) return now + LINGER_MS;
    return this.calls.size > 0 ? now + PING_EVERY_MS : now + Math.min(PING_EVERY_MS, this.#idleTimeoutMs);
  }

  /** RFC 9113 6.8: streams beyond the last id were not worked on. */
  #leave(lastStreamId: number): void {
    this.#isLeaving = true;
    for (const call of this.calls) if (call.streamId > lastStreamId) call.markRefused();
    this.close();
  }
}

function ignore(): void {
  /* The calls of the session report their own failure. */
}
