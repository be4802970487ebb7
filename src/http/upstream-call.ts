import type { SekishoError } from '../lib/errors.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';

/** Whoever works on a call at the moment: the queue of the pool, or a connection. */
export interface CallOwner {
  abortCall(call: Http1Call): void;
  resumeCall(call: Http1Call): void;
}

/** One request on its way through an HTTP/1 pool. */
export class Http1Call implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly handler: UpstreamHandler;
  /** Head as it is written; latin1. */
  readonly head: string;
  /** When the response head must be there; ms of `performance.now()`. */
  deadline: number;
  owner: CallOwner | undefined;
  /** True once a byte was handed to a socket. */
  sent = false;
  /** True while a connection is being made because of this call. */
  isDialing = false;

  constructor(request: UpstreamRequest, handler: UpstreamHandler, head: string) {
    this.request = request;
    this.handler = handler;
    this.head = head;
    this.deadline = request.headTimeoutMs > 0 ? performance.now() + request.headTimeoutMs : Number.POSITIVE_INFINITY;
  }

  abort(): void {
    const { owner } = this;
    this.owner = undefined;
    owner?.abortCall(this);
  }

  resume(): void {
    this.owner?.resumeCall(this);
  }

  /** Tells the handler that nothing more comes. Does nothing when the call is over already. */
  fail(error: SekishoError): void {
    if (this.owner === undefined) return;
    this.owner = undefined;
    this.handler.onError(error, this.sent);
  }
}
