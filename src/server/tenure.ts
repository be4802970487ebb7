import type { Settings } from '../config/settings.ts';
import { observe } from '../lib/event.ts';
import type { MemoryContents } from '../store/memory-store.ts';
import { type Closing, createClosing } from './closing.ts';
import { type Control, tellWhatToTry } from './control.ts';
import type { Life } from './gateway.ts';
import type { HandoverOptions, RemoteBridge } from './supervisor/handover.ts';
import type { Predecessor } from './supervisor/predecessor.ts';

export interface TenureOptions {
  readonly life: Life;
  /** Opens what owns the state; a store in memory begins with `contents`. Called again when another process could not take over. */
  open(closing: Closing, contents: MemoryContents | undefined): Promise<Control>;
}

/** The time in which this process owns the state of the gateway: from its start, or from when it took over, until it ends or another process takes over. */
export class Tenure {
  /** Resolves when another process has taken over. */
  readonly handedOver: Promise<void>;
  readonly #options: TenureOptions;
  readonly #startedAt = performance.now();
  readonly #ending = new AbortController();
  readonly #tellHandedOver: () => void;
  #control: Control | undefined;
  #closing: Closing = createClosing();
  #state = Promise.withResolvers<RemoteBridge>();
  #isReleased = false;
  #isHandedOver = false;

  constructor(options: TenureOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.handedOver = promise;
    this.#tellHandedOver = resolve;
  }

  /** What owns the state; undefined while another process takes over. */
  get control(): Control | undefined {
    return this.#control;
  }

  /** The state is let go of, or was, for another process. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** Where the state is reached, whoever owns it: waits while another process takes over. */
  state(): Promise<RemoteBridge> {
    return this.#state.promise;
  }

  /** The state is reached here. */
  own(bridge: RemoteBridge): void {
    this.#state.resolve(bridge);
  }

  /** Opens the state, taking over from the predecessor; the gateway is ready then. */
  async begin(settings: Settings, predecessor: Predecessor | undefined): Promise<void> {
    predecessor?.answer(() => this.state());
    const control = await this.#open(await predecessor?.take());
    this.#options.life.phase = 'ready';
    observe({ type: 'server.ready', revision: control.registry.revision(), durationMs: performance.now() - this.#startedAt });
    tellWhatToTry(settings, control);
  }

  /** Hands the state to the program that is on the disk now. Rejects with UPGRADE_FAILED, the state open again, when that does not serve. */
  async handOver(options: Pick<HandoverOptions, 'sockets' | 'timeoutMs'>): Promise<void> {
    const { handOver } = await import('./supervisor/handover.ts');
    const { signal } = this.#ending;
    let contents: MemoryContents | undefined;
    const release = async (): Promise<MemoryContents | undefined> => {
      this.#isReleased = true;
      this.#state = Promise.withResolvers();
      contents = this.#control?.contents();
      await this.#closing.close();
      this.#control = undefined;
      return contents;
    };
    try {
      const remote = await handOver({ ...options, signal, release });
      this.#isHandedOver = true;
      this.#options.life.phase = 'stopping';
      this.own(remote);
      this.#tellHandedOver();
    } catch (error) {
      if (this.#isReleased && !signal.aborted) await this.#open(contents);
      throw error;
    }
  }

  /** Gives up a handover that is under way. */
  abort(): void {
    this.#ending.abort();
  }

  /** Closes what owns the state. */
  async close(): Promise<void> {
    await this.#closing.close();
  }

  async #open(contents: MemoryContents | undefined): Promise<Control> {
    this.#closing = createClosing();
    this.#isReleased = false;
    this.#control = await this.#options.open(this.#closing, contents);
    return this.#control;
  }
}
