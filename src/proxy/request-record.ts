import { performance } from 'node:perf_hooks';
import type { Exchange } from '../http/exchange.ts';
import type { SekishoError } from '../lib/errors.ts';
import { observe, type RequestEvent } from '../lib/event.ts';
import { createRequestId } from '../lib/id.ts';

/** Collects what is told about one request; it becomes the `request` event when the request is over. */
export class RequestRecord implements RequestEvent {
  readonly type = 'request';
  readonly id = createRequestId();
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly version: string;
  readonly remoteAddress: string;
  traceId = '';
  namespace = '';
  route = '';
  pattern = '';
  service = '';
  status = 0;
  durationMs = 0;
  upstreamMs = 0;
  moduleMs = 0;
  attempts = 0;
  /** The service URL of the last attempt. */
  upstreamUrl = '';
  responseBytes = 0;
  error?: SekishoError;
  /** `performance.now()` at the start. */
  readonly startedAt = performance.now();
  upstreamStartedAt = 0;
  /** Called before the event is told. */
  onFinish: (() => void) | undefined = undefined;

  constructor(exchange: Exchange) {
    this.method = exchange.method;
    this.host = exchange.host;
    this.target = exchange.target;
    this.version = exchange.version;
    this.remoteAddress = exchange.remoteAddress;
  }

  finish(responseBytes: number): void {
    this.onFinish?.();
    this.responseBytes = responseBytes;
    this.durationMs = performance.now() - this.startedAt;
    observe(this);
  }
}
