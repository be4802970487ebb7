import { Readable } from 'node:stream';
import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';

/** The body of a client's request for a module that may ask for it, and for the upstream that gets it afterwards in any case. */
export class RequestBody {
  readonly #exchange: Exchange;
  readonly #chunks: Buffer[] = [];
  #whole: Promise<Buffer> | undefined;
  #complete: Buffer | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Reads the body as a whole. Rejects with MODULE_BODY_TOO_LARGE, or REQUEST_INVALID when the client breaks off; what was read is not lost. */
  read(maxBytes: number): Promise<Buffer> {
    this.#whole ??= this.#collect(maxBytes);
    return this.#whole;
  }

  /** What is to be sent upstream. */
  forward(): { readonly body: Buffer | Readable | undefined; readonly contentLength: number | undefined } {
    const { body, contentLength } = this.#exchange;
    if (this.#complete !== undefined) return { body: this.#complete, contentLength: this.#complete.length };
    if (body === undefined || this.#chunks.length === 0) return { body, contentLength };
    return { body: Readable.from(joined(this.#chunks, body), { objectMode: false }), contentLength };
  }

  #collect(maxBytes: number): Promise<Buffer> {
    const { body, contentLength } = this.#exchange;
    if (body === undefined) return Promise.resolve(Buffer.alloc(0));
    if (contentLength !== undefined && contentLength > maxBytes) return Promise.reject(tooLarge(maxBytes));
    return new Promise((resolve, reject) => {
      let bytes = 0;
      const stop = (error: SekishoError): void => {
        body.off('data', onData);
        body.pause();
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        this.#chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxBytes) stop(tooLarge(maxBytes));
      };
      body.on('data', onData);
      body.once('end', () => {
        this.#complete = Buffer.concat(this.#chunks);
        resolve(this.#complete);
      });
      body.once('error', (cause) => stop(new SekishoError('REQUEST_INVALID', 'The client broke off its body.', { cause })));
      body.once('close', () => stop(new SekishoError('REQUEST_INVALID', 'The client broke off its body.')));
    });
  }
}

async function* joined(first: readonly Buffer[], rest: Readable): AsyncGenerator<Buffer> {
  yield* first;
  yield* rest;
}

function tooLarge(maxBytes: number): SekishoError {
  return new SekishoError(
    'MODULE_BODY_TOO_LARGE',
    `The body of the request is larger than the ${maxBytes} bytes that a module may read (modules.max_body_bytes).`,
  );
}
