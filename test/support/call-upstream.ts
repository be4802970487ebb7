import type { Duplex } from 'node:stream';
import type { RawHeaders } from '../../src/http/exchange.ts';
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamOptions, UpstreamRequest } from '../../src/http/upstream.ts';
import type { SekishoError } from '../../src/lib/errors.ts';
import { PATIENCE_MS } from './until.ts';

/** Everything that the handler of one call was told. */
export interface Answer {
  readonly informs: { status: number; headers: RawHeaders }[];
  status: number;
  reason: string;
  headers: RawHeaders;
  contentLength: number | undefined;
  hasBody: boolean;
  protocol: string;
  body: Buffer;
  trailers: RawHeaders;
  upgraded: { socket: Duplex; firstBytes: Buffer } | undefined;
  error: SekishoError | undefined;
  /** Of `onError`. */
  sent: boolean | undefined;
  /** The names of the handler's methods in the order in which they were called, repetitions of onData left out. */
  readonly order: string[];
}

export interface CallOptions extends Partial<UpstreamRequest> {
  /** Called with each chunk; its result is that of `onData`. */
  readonly onData?: (chunk: Buffer, call: UpstreamCall) => boolean;
  readonly onHead?: (call: UpstreamCall) => void;
  /** Gets the call as soon as it is made. */
  readonly onCall?: (call: UpstreamCall) => void;
}

const DEFAULTS: UpstreamRequest = {
  method: 'GET',
  target: '/',
  headers: ['Host', 'test'],
  body: undefined,
  contentLength: undefined,
  upgrade: undefined,
  headTimeoutMs: PATIENCE_MS,
  idleTimeoutMs: PATIENCE_MS,
};

/** Sends one request through `upstream` and gives what became of it, errors included. */
export function callUpstream(upstream: Upstream, options: CallOptions = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const collector = new Collector(options, resolve);
    const { onData: _onData, onHead: _onHead, onCall: _onCall, ...request } = options;
    collector.call = upstream.send({ ...DEFAULTS, ...request }, collector);
    options.onCall?.(collector.call);
  });
}

/** Options of an upstream on loopback. */
export function toUpstreamOptions(port: number, options: Partial<UpstreamOptions> = {}): UpstreamOptions {
  return { scheme: 'http', hostname: '127.0.0.1', port, http2: false, tlsSkipVerify: false, connectTimeoutMs: PATIENCE_MS, ...options };
}

class Collector implements UpstreamHandler {
  call: UpstreamCall | undefined;
  readonly #options: CallOptions;
  readonly #resolve: (answer: Answer) => void;
  readonly #chunks: Buffer[] = [];
  readonly #answer: Answer = {
    informs: [],
    status: 0,
    reason: '',
    headers: [],
    contentLength: undefined,
    hasBody: false,
    protocol: '',
    body: Buffer.alloc(0),
    trailers: [],
    upgraded: undefined,
    error: undefined,
    sent: undefined,
    order: [],
  };

  constructor(options: CallOptions, resolve: (answer: Answer) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  onInform(status: number, headers: RawHeaders): void {
    this.#answer.order.push('onInform');
    this.#answer.informs.push({ status, headers });
  }

  onHead(...[status, reason, headers, contentLength, hasBody, protocol]: Parameters<UpstreamHandler['onHead']>): void {
    this.#answer.order.push('onHead');
    Object.assign(this.#answer, { status, reason, headers, contentLength, hasBody, protocol });
    if (this.call !== undefined) this.#options.onHead?.(this.call);
  }

  onData(chunk: Buffer): boolean {
    if (this.#answer.order.at(-1) !== 'onData') this.#answer.order.push('onData');
    this.#chunks.push(chunk);
    return this.call === undefined || (this.#options.onData?.(chunk, this.call) ?? true);
  }

  onEnd(trailers: RawHeaders): void {
    this.#answer.trailers = trailers;
    this.#finish('onEnd');
  }

  onUpgrade(headers: RawHeaders, socket: Duplex, firstBytes: Buffer): void {
    Object.assign(this.#answer, { status: 101, headers, upgraded: { socket, firstBytes } });
    this.#finish('onUpgrade');
  }

  onError(error: SekishoError, sent: boolean): void {
    Object.assign(this.#answer, { error, sent });
    this.#finish('onError');
  }

  #finish(method: string): void {
    this.#answer.order.push(method);
    this.#answer.body = Buffer.concat(this.#chunks);
    this.#resolve(this.#answer);
  }
}
