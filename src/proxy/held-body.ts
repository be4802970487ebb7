import type { RawHeaders } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';

/** The body of an answer while a module decides about its head. Reading stops after what is already under way until somebody collects it. */
export class HeldBody {
  readonly chunks: Buffer[] = [];
  /** Set once the body is complete. */
  trailers: RawHeaders | undefined;
  readonly #resume: () => void;
  #bytes = 0;
  #error: SekishoError | undefined;
  #collector:
    | { readonly maxBytes: number; readonly resolve: (body: Buffer) => void; readonly reject: (error: SekishoError) => void }
    | undefined;

  constructor(resume: () => void) {
    this.#resume = resume;
  }

  /** False tells the upstream to pause. */
  push(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#collector === undefined) return false;
    if (this.#bytes <= this.#collector.maxBytes) return true;
    this.#settle(tooLarge(this.#collector.maxBytes));
    return false;
  }

  end(trailers: RawHeaders): void {
    this.trailers = trailers;
    this.#settle(undefined);
  }

  fail(error: SekishoError): void {
    this.#error = error;
    this.#settle(error);
  }

  /** The whole body, which stays held and can be relayed afterwards. Rejects with MODULE_BODY_TOO_LARGE, or with the upstream's error. */
  collect(maxBytes: number): Promise<Buffer> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#bytes > maxBytes) return Promise.reject(tooLarge(maxBytes));
    if (this.trailers !== undefined) return Promise.resolve(Buffer.concat(this.chunks));
    return new Promise((resolve, reject) => {
      this.#collector = { maxBytes, resolve, reject };
      this.#resume();
    });
  }

  #settle(error: SekishoError | undefined): void {
    const collector = this.#collector;
    this.#collector = undefined;
    if (error === undefined) collector?.resolve(Buffer.concat(this.chunks));
    else collector?.reject(error);
  }
}

function tooLarge(maxBytes: number): SekishoError {
  return new SekishoError(
    'MODULE_BODY_TOO_LARGE',
    `The body of the upstream's answer is larger than the ${maxBytes} bytes that a module may read (modules.max_body_bytes).`,
  );
}
