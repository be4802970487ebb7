import type { Readable, Writable } from 'node:stream';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { countStreamed } from './streamed-bytes.ts';

export interface BodyWriterOwner {
  /** Some bytes were taken from the body. */
  bodyProgressed(): void;
  /** The whole body was handed to the socket. */
  bodyDone(): void;
  /** The body cannot be completed: the client went away, or it is longer or shorter than declared. */
  bodyFailed(error: SekishoError): void;
}

export interface BodyFraming {
  /** The declared length, which the body must have. */
  readonly length: number | undefined;
  readonly isChunked: boolean;
}

/** Writes one request body to a socket or stream as fast as that takes it. It does not end the sink. */
export class RequestBodyWriter {
  readonly #sink: Writable;
  readonly #body: Readable;
  readonly #length: number | undefined;
  readonly #isChunked: boolean;
  readonly #owner: BodyWriterOwner;
  #written = 0;
  #isStopped = false;

  constructor(sink: Writable, body: Readable, framing: BodyFraming, owner: BodyWriterOwner) {
    this.#sink = sink;
    this.#body = body;
    this.#length = framing.length;
    this.#isChunked = framing.isChunked;
    this.#owner = owner;
  }

  start(): void {
    const body = this.#body;
    if (body.destroyed || body.readableEnded) {
      process.nextTick(body.readableEnded && !body.errored ? this.#onEnd : this.#onClose);
      return;
    }
    body.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
    body.resume();
  }

  /** The sink takes bytes again. */
  drained(): void {
    this.#body.resume();
  }

  /** Leaves the body alone; what was not read stays in it. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#body.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    this.#body.on('error', ignore);
    this.#body.pause();
  }

  readonly #onData = (data: Buffer | string): void => {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    // An empty chunk would be the end of a chunked body.
    if (chunk.length === 0) return;
    this.#written += chunk.length;
    countStreamed(chunk.length);
    if (this.#length !== undefined && this.#written > this.#length) return this.#fail('longer', undefined);
    if (!this.#write(chunk)) this.#body.pause();
    this.#owner.bodyProgressed();
  };

  #write(chunk: Buffer): boolean {
    const sink = this.#sink;
    if (!this.#isChunked) return sink.write(chunk);
    sink.cork();
    sink.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    sink.write(chunk);
    const isReady = sink.write('\r\n', 'latin1');
    sink.uncork();
    return isReady;
  }

  readonly #onEnd = (): void => {
    if (this.#isStopped) return;
    if (this.#length !== undefined && this.#written < this.#length) return this.#fail('shorter', undefined);
    this.stop();
    if (this.#isChunked) this.#sink.write('0\r\n\r\n', 'latin1');
    this.#owner.bodyDone();
  };

  readonly #onError = (error: Error): void => {
    this.stop();
    this.#owner.bodyFailed(error instanceof SekishoError ? toSekishoError(error) : aborted(error));
  };

  readonly #onClose = (): void => {
    if (this.#isStopped) return;
    this.stop();
    this.#owner.bodyFailed(aborted(this.#body.errored ?? undefined));
  };

  #fail(than: 'longer' | 'shorter', cause: unknown): void {
    this.stop();
    this.#owner.bodyFailed(
      new SekishoError('REQUEST_INVALID', `The request body is ${than} than its Content-Length of ${this.#length} bytes.`, { cause }),
    );
  }
}

function aborted(cause: unknown): SekishoError {
  return new SekishoError('REQUEST_INVALID', 'The request body ended before it was complete.', { cause });
}

function ignore(): void {
  /* A body that was given up may still fail; nobody is waiting for it. */
}
