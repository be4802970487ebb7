import { SekishoError } from '../lib/errors.ts';
import type { ExtensionLimits } from './types.ts';

interface Load {
  readonly name: string;
  deadlineAt: number;
  resolve(events: readonly string[]): void;
  reject(error: SekishoError): void;
}

/** What the gateway waits for from one thread besides the end of events: loaded environments, copies of contexts, the end of abandoned events. */
export class ThreadWaits {
  readonly #limits: ExtensionLimits;
  readonly #kill: (reason: string, environment: string | undefined) => void;
  readonly #onRest: () => void;
  readonly #loads = new Map<number, Load>();
  readonly #snapshots = new Map<number, (text: string) => void>();
  /** Abandoned events: when they are given up, and whom to blame. */
  readonly #abandoned = new Map<number, { readonly deadlineAt: number; readonly environment: string | undefined }>();
  #lastSnapshot = 0;

  constructor(limits: ExtensionLimits, kill: (reason: string, environment: string | undefined) => void, onRest: () => void) {
    this.#limits = limits;
    this.#kill = kill;
    this.#onRest = onRest;
  }

  get isAtRest(): boolean {
    return this.#abandoned.size === 0;
  }

  get isBusy(): boolean {
    return this.#abandoned.size > 0 || this.#loads.size > 0;
  }

  load(index: number, name: string): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.#loads.set(index, { name, deadlineAt: performance.now() + this.#limits.timeoutMs, resolve, reject });
    });
  }

  loaded(index: number, events: readonly string[]): void {
    this.#loads.get(index)?.resolve(events);
    this.#loads.delete(index);
  }

  loadFailed(index: number, code: string, text: string, place: string): void {
    const message = text.split('\n', 1)[0] ?? '';
    const detail = place ? `${message} at ${place}` : message;
    this.#loads
      .get(index)
      ?.reject(
        new SekishoError(code === 'EXTENSION_COMPILE' ? code : 'EXTENSION_LOAD', detail, { errors: [{ pointer: place, detail: message }] }),
      );
    this.#loads.delete(index);
  }

  snapshot(ask: (number: number) => void): Promise<string> {
    this.#lastSnapshot += 1;
    const number = this.#lastSnapshot;
    return new Promise((resolve) => {
      this.#snapshots.set(number, resolve);
      ask(number);
    });
  }

  takeSnapshot(number: number, text: string): void {
    this.#snapshots.get(number)?.(text);
    this.#snapshots.delete(number);
  }

  expire(run: number, environment: string | undefined): void {
    this.#abandoned.set(run, { deadlineAt: performance.now() + this.#limits.syncTimeoutMs, environment });
  }

  expired(run: number): void {
    if (this.#abandoned.delete(run) && this.#abandoned.size === 0) this.#onRest();
  }

  tick(now: number): void {
    for (const { deadlineAt, environment } of this.#abandoned.values())
      if (now >= deadlineAt) return this.#kill('it blocked its thread beyond the deadline of its event', environment);
    for (const { deadlineAt, name } of this.#loads.values())
      if (now >= deadlineAt) return this.#kill(`${name} blocked its thread while it loaded`, undefined);
  }

  gone(reason: string): void {
    for (const { name, reject } of this.#loads.values())
      reject(new SekishoError('EXTENSION_LOAD', `The extensions of ${name} did not load: ${reason}.`));
    this.#loads.clear();
    for (const resolve of this.#snapshots.values()) resolve('{}');
    this.#snapshots.clear();
    this.#abandoned.clear();
  }
}
