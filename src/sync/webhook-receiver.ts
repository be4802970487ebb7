import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { pause } from './pause.ts';
import { createWake } from './wake.ts';
import type { WaitingEvent, WebhookQueue } from './webhook-queue.ts';
import type { SendWebhook } from './webhook-sender.ts';

export interface WebhookReceiverOptions {
  readonly name: string;
  readonly queue: WebhookQueue;
  readonly send: SendWebhook;
  /** The schema of a path; empty when there is none any more. */
  schemaOf(path: string): string;
  /** How often a change is sent again. */
  readonly retries: number;
  /** Pause before it is sent again; it doubles each time. */
  readonly backoffMs: number;
  /** Requests at the same time; of one resource there is one. */
  readonly concurrency: number;
  /** The queue is looked at this often even if nothing rings. */
  readonly pollMs: number;
}

const MAX_BACKOFF_MS = 60_000;
const BATCH = 200;
/** Resources whose changes failed and wait; with more of them everything waits. */
const MAX_PAUSED = 500;

/** Sends the changes in the queue of one receiver: those of one resource in their order, others at the same time. */
export class WebhookReceiver {
  readonly name: string;
  readonly #options: WebhookReceiverOptions;
  readonly #wake = createWake();
  /** When a resource is tried again, by path; milliseconds of the monotonic clock. */
  readonly #paused = new Map<string, number>();
  /** Of requests, in a row. */
  #failures = 0;
  #resumeAt = 0;
  #lastReason: string | undefined;

  constructor(options: WebhookReceiverOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Why the last request failed, when none succeeded since. */
  get failing(): string | undefined {
    return this.#failures > 0 ? this.#lastReason : undefined;
  }

  /** There is something new in the queue. */
  ring(): void {
    this.#wake.ring();
  }

  /** Sends until the signal is aborted; never rejects. */
  async run(lost: AbortSignal): Promise<void> {
    this.#paused.clear();
    this.#resumeAt = 0;
    while (!lost.aborted) {
      try {
        await this.#round(lost);
      } catch (error) {
        if (lost.aborted) return;
        observe({ type: 'error', error: toSekishoError(error), where: `the queue of the webhook ${this.name}` });
        await pause(this.#options.pollMs, lost);
      }
      await pause(Math.max(0, this.#resumeAt - performance.now()), lost);
    }
  }

  async #round(lost: AbortSignal): Promise<void> {
    const { queue, pollMs, concurrency } = this.#options;
    const now = performance.now();
    for (const [path, due] of this.#paused) if (due <= now) this.#paused.delete(path);
    const rows = await queue.waiting(this.name, BATCH, [...this.#paused.keys()]);
    if (rows.length === 0) {
      const next = Math.min(pollMs, ...[...this.#paused.values()].map((due) => due - now));
      return await this.#wake.wait(Math.max(1, next), lost);
    }
    const byPath = Map.groupBy(rows, ({ path }) => path);
    const resources = [...byPath.values()];
    const work = async (): Promise<void> => {
      for (let events = resources.shift(); events !== undefined && !this.#isOff(lost); events = resources.shift())
        for (const event of events) if (this.#isOff(lost) || !(await this.#deliver(event, lost))) break;
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, resources.length) }, work));
  }

  #isOff(lost: AbortSignal): boolean {
    return lost.aborted || performance.now() < this.#resumeAt;
  }

  /** Gives whether the next change of the resource may be sent. */
  async #deliver({ id, path, attempts }: WaitingEvent, lost: AbortSignal): Promise<boolean> {
    const { queue, send, schemaOf, retries } = this.#options;
    const event = await queue.fetch(this.name, id);
    // Somebody deleted it.
    if (event === undefined) return true;
    const startedAt = performance.now();
    const outcome = await send(event, schemaOf(path), lost);
    if (lost.aborted && outcome.kind !== 'delivered') return false;
    const tell = (kind: 'delivered' | 'failed' | 'dead', reason?: string): void =>
      observe({
        type: 'webhook.sent',
        receiver: this.name,
        event: id,
        path,
        outcome: kind,
        attempt: attempts + 1,
        durationMs: performance.now() - startedAt,
        ...(reason !== undefined && { reason }),
      });
    if (outcome.kind === 'delivered') {
      this.#failures = 0;
      await queue.remove(this.name, id);
      tell('delivered');
      return true;
    }
    const { reason } = outcome;
    if (outcome.kind === 'failed') this.#fail(path, attempts + 1, reason, outcome.retryAfterMs);
    if (outcome.kind === 'refused' || attempts >= retries) {
      this.#paused.delete(path);
      await queue.bury(this.name, id, reason);
      tell('dead', reason);
      return true;
    }
    await queue.fail(this.name, id, reason);
    tell('failed', reason);
    return false;
  }

  /** The resource waits; and all of them when the receiver says so, or when nothing gets through. */
  #fail(path: string, attempt: number, reason: string, retryAfterMs: number | undefined): void {
    const { concurrency } = this.#options;
    const now = performance.now();
    this.#failures += 1;
    this.#lastReason = reason;
    const backoffMs = this.#backoffMs(attempt);
    this.#paused.set(path, now + backoffMs);
    if (retryAfterMs !== undefined) this.#resumeAt = Math.max(this.#resumeAt, now + retryAfterMs);
    if (this.#failures >= concurrency) this.#resumeAt = Math.max(this.#resumeAt, now + this.#backoffMs(this.#failures - concurrency + 1));
    if (this.#paused.size > MAX_PAUSED) this.#resumeAt = Math.max(this.#resumeAt, Math.min(...this.#paused.values()));
  }

  /** Half of it is chance, so that what failed together is not sent together again. */
  #backoffMs(attempt: number): number {
    return Math.min(this.#options.backoffMs * 2 ** Math.min(attempt - 1, 20), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
  }
}
