import { setTimeout as pause } from 'node:timers/promises';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { CompiledProgram } from './compile.ts';
import { createThreadHost, type Gone, type ThreadHost } from './host.ts';
import type { CallTarget } from './host-calls.ts';
import { createInvocation } from './invocation.ts';
import type { RuntimeLimits } from './options.ts';
import { createQuarantine } from './quarantine.ts';
import type { SlotHolder, ThreadSlots } from './thread-slots.ts';
import { type Hook, type Invocation, type ModuleRequest, type Program, type ProgramSource, type ProgramStatus } from './types.ts';

/** What all programs of a runtime share. */
export interface ProgramEnvironment {
  readonly limits: RuntimeLimits;
  readonly env: Readonly<Record<string, string>>;
  readonly slots: ThreadSlots;
  threadCode(): Promise<string>;
  /** Called before a call is sent: deadlines are to be watched closely from now on. */
  wake(): void;
  /** Called when the last user gave the program back and its thread ended. */
  onUnused(program: LoadedProgram): void;
}

/** A program with its thread, which is started when it is needed and replaced when it dies. */
export class LoadedProgram implements Program, SlotHolder {
  readonly key: string;
  readonly module: string;
  readonly namespace: string;
  readonly limits: RuntimeLimits;
  hooks: ReadonlySet<Hook> = new Set();
  /** The modules have read a request (upstream) body once: from now on it is fetched before they run. */
  wantsRequestBody = false;
  wantsUpstreamBody = false;
  users = 0;
  readonly #compiled: CompiledProgram;
  readonly #target: CallTarget;
  readonly #environment: ProgramEnvironment;
  readonly #quarantine: ReturnType<typeof createQuarantine>;
  #host: ThreadHost | undefined;
  #starting: Promise<ThreadHost> | undefined;
  #exits = new Set<Promise<void>>();
  /** Phases that run, and requests between their first phase and their end. */
  #inFlight = 0;
  #open = 0;
  #calls = 0;
  #closed = false;
  #loadedOnce = false;

  constructor(source: ProgramSource, compiled: CompiledProgram, target: CallTarget, environment: ProgramEnvironment) {
    this.key = compiled.key;
    this.module = source.modules[0]?.name ?? '';
    this.namespace = source.namespace;
    this.limits = environment.limits;
    this.#compiled = compiled;
    this.#target = target;
    this.#environment = environment;
    this.#quarantine = createQuarantine(environment.limits.quarantineKills, environment.limits.quarantineWindowMs);
  }

  get spare(): SlotHolder['spare'] {
    if (this.#host === undefined || this.#inFlight > 0) return 'no';
    return this.#open > 0 ? 'between' : 'idle';
  }

  get isBusy(): boolean {
    return this.#inFlight > 0 || this.#host?.isLoading === true;
  }

  tick(now: number, rss: number): void {
    this.#host?.tick(now, rss);
  }

  get lastUsedAt(): number {
    return this.#host?.lastUsedAt ?? 0;
  }

  get quarantined(): boolean {
    return this.#quarantine.active;
  }

  /** The running thread, without waiting for one. */
  get host(): ThreadHost | undefined {
    return this.#host;
  }

  begin(request: ModuleRequest): Invocation {
    return createInvocation(this, request);
  }

  release(): void {
    this.users -= 1;
    this.#stopIfUnused();
  }

  /** A request runs its first phase: until `finish` the program keeps its thread, though all its users may have given it back. */
  start(): void {
    this.#open += 1;
  }

  finish(): void {
    this.#open -= 1;
    this.#stopIfUnused();
  }

  /** Counts a call in; refused with the error to answer when the program may not be called now. */
  enter(): SekishoError | undefined {
    if (this.#quarantine.active)
      return new SekishoError(
        'MODULE_QUARANTINED',
        `Module ${this.module} was ended ${this.#quarantine.kills} times, the last time because ${this.#quarantine.lastKill?.reason}.`,
      );
    if (this.#inFlight >= this.limits.maxQueue)
      return new SekishoError('MODULE_BUSY', `${this.#inFlight} calls of module ${this.module} are in flight (modules.max_queue).`);
    this.#inFlight += 1;
    this.#calls += 1;
    this.#environment.wake();
    return undefined;
  }

  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    this.#environment.slots.idle();
  }

  /** A running thread; starts one if there is none. Rejects with MODULE_LOAD, MODULE_BUSY. */
  thread(): Promise<ThreadHost> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  status(): ProgramStatus {
    const { lastKill } = this.#quarantine;
    return {
      key: this.key,
      namespace: this.namespace,
      module: this.module,
      state: this.#quarantine.active
        ? 'quarantined'
        : this.#starting !== undefined
          ? 'restarting'
          : this.#host === undefined
            ? 'idle'
            : 'running',
      hooks: [...this.hooks],
      inFlight: this.#inFlight,
      calls: this.#calls,
      kills: this.#quarantine.kills,
      ...(lastKill !== undefined && { lastKill }),
      heapBytes: this.#host?.heapBytes ?? 0,
    };
  }

  /** Ends the quarantine; false when there was none. */
  releaseQuarantine(): boolean {
    if (!this.#quarantine.active) return false;
    this.#quarantine.release();
    this.#observe('released');
    return true;
  }

  evict(): void {
    this.#host?.stop('its thread was needed by another module');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#host?.stop('the gateway stops');
    await Promise.all(this.#exits);
  }

  async #start(): Promise<ThreadHost> {
    const { limits, slots } = this.#environment;
    await pause(this.#quarantine.backoffMs);
    await slots.acquire(this, limits.timeoutMs);
    let host: ThreadHost | undefined;
    try {
      const code = await this.#environment.threadCode();
      if (this.#closed) throw new SekishoError('MODULE_CRASHED', 'The gateway is stopping.');
      host = createThreadHost({
        code,
        program: this.#compiled,
        module: this.module,
        target: this.#target,
        env: this.#environment.env,
        limits,
        onGone: (gone) => this.#onGone(gone),
      });
      this.#host = host;
      this.#environment.wake();
      const exit = host.exited.then(() => {
        this.#exits.delete(exit);
        slots.release(this);
      });
      this.#exits.add(exit);
    } catch (error) {
      slots.release(this);
      throw toSekishoError(error);
    }
    this.hooks = new Set(await host.ready);
    this.#loadedOnce = true;
    this.#observe('started');
    return host;
  }

  #onGone(gone: Gone): void {
    this.#host = undefined;
    this.#observe(gone.kind === 'killed' ? 'killed' : 'stopped', gone.reason);
    const counts = gone.kind === 'killed' || (gone.kind === 'unloadable' && this.#loadedOnce);
    if (counts && this.#quarantine.kill(gone.reason)) this.#observe('quarantined', gone.reason);
  }

  /** A request of an old snapshot may still come: it starts a thread again, which ends with it. */
  #stopIfUnused(): void {
    if (this.users > 0 || this.#open > 0) return;
    this.#host?.stop('no route uses the module any more');
    this.#environment.onUnused(this);
  }

  #observe(state: 'started' | 'stopped' | 'killed' | 'quarantined' | 'released', reason?: string): void {
    observe({ type: 'module.thread', namespace: this.namespace, module: this.module, state, ...(reason !== undefined && { reason }) });
  }
}
