import { IncomingMessage } from 'node:http';
import type { GuardedHead, RejectedHead } from './head-guard.ts';
import { isName } from './header-rules.ts';

const NO_FIELDS = {};
const EXPECTS_CONTINUE = { expect: '100-continue' };

/** Who is told about the body of a request as it arrives. */
export interface BodyObserver {
  /** Bytes of the body came in; `total` so far. */
  onBodyBytes(total: number): void;
  /** Somebody reads the body for the first time. */
  onBodyWanted(): void;
}

/**
 * node:http's request, made cheap: a request without a body never starts the machinery of a stream (node would push an end, resume and
 * close it in four ticks), and no header object is built (node:http itself asks only for `expect`). Destroying the body leaves the
 * connection alone, so that an answer can still be sent.
 */
export class H1Request extends IncomingMessage {
  /** Set by the connection when it has judged the head; kept because an upgrade is judged before its exchange exists. */
  judged: GuardedHead | RejectedHead | undefined = undefined;
  observer: BodyObserver | undefined = undefined;
  #received = 0;
  #isClaimed = false;
  #isEndHeld = false;

  declare headers: NodeJS.Dict<string>;
  declare readonly readableEnded: boolean;

  /** The body for a reader. Until this is called nothing of it is a running stream. */
  claim(): this {
    if (!this.#isClaimed) {
      this.#isClaimed = true;
      if (this.#isEndHeld) super.push(null);
    }
    return this;
  }

  /** True when somebody reads the body, and has not given up. */
  get isRead(): boolean {
    return this.#isClaimed && !this.destroyed;
  }

  get isEndHeld(): boolean {
    return this.#isEndHeld && !this.#isClaimed;
  }

  override push(chunk: Buffer | null): boolean {
    if (chunk === null) {
      if (this.#received > 0 || this.#isClaimed) return super.push(null);
      this.#isEndHeld = true;
      return false;
    }
    this.#received += chunk.length;
    this.observer?.onBodyBytes(this.#received);
    // A reader that gave up: what still comes is thrown away, the parser must not stall on it.
    return this.destroyed || super.push(chunk);
  }

  override _read(size: number): void {
    if (this.#isClaimed) this.observer?.onBodyWanted();
    super._read(size);
  }

  /** Called by node when the answer is complete: reads what is left. */
  _dump(): void {
    if (!this.isEndHeld) Reflect.apply(dump, this, []);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.aborted ||= !this.complete;
    callback(this.listenerCount('error') > 0 ? error : null);
  }
}

const base = IncomingMessage.prototype as unknown as { _dump: () => void };
const dump = base._dump;

const readableEnded = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(IncomingMessage.prototype), 'readableEnded')?.get;

// Accessors of the base class may only be replaced by accessors on the prototype.
Object.defineProperty(H1Request.prototype, 'headers', {
  configurable: true,
  get(this: H1Request): object {
    const { rawHeaders } = this;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (rawHeaders[i]?.length === 6 && isName(rawHeaders[i] as string, 'expect')) return EXPECTS_CONTINUE;
    }
    return NO_FIELDS;
  },
});
Object.defineProperty(H1Request.prototype, 'readableEnded', {
  configurable: true,
  get(this: H1Request): boolean {
    return this.isEndHeld || (readableEnded !== undefined && (Reflect.apply(readableEnded, this, []) as boolean));
  },
});
