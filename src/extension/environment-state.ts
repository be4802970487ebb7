import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { createQuarantine, type Quarantine } from '../runtime/quarantine.ts';
import type { EnvironmentSource, ExtensionLimits, ExtensionsStatus } from './types.ts';

/** The gateway's view of one environment: what it handles, how it fares, whether it may run. */
export class EnvironmentState {
  readonly source: EnvironmentSource;
  /** Its place among all, by which threads know it. */
  readonly index: number;
  /** Runs on threads that serve one request at a time. */
  readonly isExclusive: boolean;
  /** Has modules beside its scripts: these do not run in a thread that waits. */
  readonly isMixed: boolean;
  events: ReadonlySet<string> = new Set();
  calls = 0;
  failures = 0;
  readonly #limits: ExtensionLimits;
  readonly #quarantine: Quarantine;
  readonly #timeouts = new Map<string, number>();

  constructor(source: EnvironmentSource, index: number, limits: ExtensionLimits) {
    this.source = source;
    this.index = index;
    this.isExclusive = source.extensions.some(({ style }) => style === 'gohan');
    this.isMixed = this.isExclusive && source.extensions.some(({ style }) => style === 'module');
    this.#limits = limits;
    this.#quarantine = createQuarantine(limits.quarantineKills, limits.quarantineWindowMs);
  }

  get name(): string {
    return this.source.name;
  }

  /** How long an event may take. */
  timeoutMs(event: string): number {
    let timeout = this.#timeouts.get(event);
    if (timeout === undefined) {
      const { timeouts, timeoutMs } = this.#limits;
      timeout = timeouts.find((one) => one.path.test(this.source.url) && one.event.test(event))?.timeoutMs ?? timeoutMs;
      if (this.events.has(event)) this.#timeouts.set(event, timeout);
    }
    return timeout;
  }

  /** Why its handlers may not run now. */
  refusal(): SekishoError | undefined {
    if (!this.#quarantine.active) return undefined;
    const { kills, lastKill } = this.#quarantine;
    return new SekishoError(
      'EXTENSION_QUARANTINED',
      `The extensions of ${this.name} ended their thread ${kills} times, the last time because ${lastKill?.reason}.`,
    );
  }

  /** It ended its thread. */
  kill(reason: string): void {
    const wasActive = this.#quarantine.active;
    if (this.#quarantine.kill(reason) && !wasActive)
      observe({ type: 'extension.quarantine', environment: this.name, state: 'quarantined', reason });
  }

  release(): boolean {
    if (!this.#quarantine.active) return false;
    this.#quarantine.release();
    observe({ type: 'extension.quarantine', environment: this.name, state: 'released' });
    return true;
  }

  status(): ExtensionsStatus['environments'][number] {
    const { active, kills, lastKill } = this.#quarantine;
    return {
      name: this.name,
      extensions: this.source.extensions.map(({ id }) => id),
      events: [...this.events],
      state: active ? 'quarantined' : 'ready',
      kills,
      ...(lastKill !== undefined && { lastKill }),
      calls: this.calls,
      failures: this.failures,
    };
  }
}
