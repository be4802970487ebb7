import { observe } from '../lib/event.ts';
import { stopEsbuild } from '../runtime/esbuild.ts';
import { threadCode } from '../runtime/thread-code.ts';
import { makeLoopsStoppable } from '../runtime/user-thread.ts';
import { createWatchdog } from '../runtime/watchdog.ts';
import type { ThreadLinkData } from '../runtime/wire.ts';
import { Bundler } from './bundler.ts';
import { type CallEnvironment, RequestCall } from './call.ts';
import { compileExtension } from './compile-extension.ts';
import { EnvironmentState } from './environment-state.ts';
import { createExclusivePool } from './exclusive-pool.ts';
import { createSharedPool } from './shared-pool.ts';
import { ThreadHost } from './thread-host.ts';
import type { EnvironmentSource, ExtensionCode, ExtensionLimits, Extensions } from './types.ts';
import type { ThreadCode, ThreadData, ThreadTesting } from './wire.ts';

/** What the extensions of a set of schemas are made of. */
export interface ExtensionsOptions {
  readonly environments: readonly EnvironmentSource[];
  readonly limits: ExtensionLimits;
  /** Folder of the npm packages that extensions may import. */
  readonly npmPath?: string;
  /** Gives the modules' bundles, where they are wanted beyond these extensions; its folder of npm packages has to be the same. */
  readonly bundler?: Bundler;
  /** `process.env` of extensions. Nothing of the real environment is visible beyond it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of extensions under test. */
  readonly testing?: ThreadTesting;
  /** Answers what scripts ask while they load, before any request: `config.get`, `file.read`, `schema.list`, … */
  call(name: string, args: readonly unknown[]): Promise<unknown>;
}

const THREAD = new URL('./thread', import.meta.url);

/** Compiles all extensions and loads each environment once. Rejects with EXTENSION_COMPILE or EXTENSION_LOAD, whose `errors` have places. */
export async function createExtensions(options: ExtensionsOptions): Promise<Extensions> {
  const codes = await compileAll(options);
  const loaded = new LoadedExtensions(options, codes, await threadCode(THREAD));
  try {
    await loaded.load();
  } catch (error) {
    await loaded.close();
    throw error;
  }
  return loaded;
}

class LoadedExtensions implements Extensions, CallEnvironment {
  readonly #options: ExtensionsOptions;
  readonly #code: string;
  readonly #data: Omit<ThreadData, keyof ThreadLinkData>;
  readonly #environments: ReadonlyMap<string, EnvironmentState>;
  readonly #exclusive;
  readonly #shared;
  readonly #watchdog;
  /** Threads that start or run. */
  readonly #threads = new Set<ThreadHost>();
  readonly #exits = new Set<Promise<void>>();
  /** Requests under way. */
  #requests = 0;
  #isClosed = false;
  #onEmpty: () => void = () => {};

  constructor(options: ExtensionsOptions, { codes, byEnvironment }: CompiledExtensions, code: string) {
    makeLoopsStoppable();
    const { limits, environments } = options;
    this.#options = options;
    this.#code = code;
    this.#data = {
      environments: environments.map(({ name }, at) => ({ name, codes: byEnvironment[at] ?? [] })),
      codes,
      npmPath: options.npmPath,
      env: options.env ?? {},
      testing: options.testing,
    };
    this.#environments = new Map(environments.map((source, index) => [source.name, new EnvironmentState(source, index, limits)]));
    this.#exclusive = createExclusivePool(limits.exclusiveThreads, limits.maxQueue, () => this.#start('exclusive'));
    this.#shared = createSharedPool(limits.sharedThreads, limits.maxQueue, () => this.#start('shared'));
    const trim = { isBusy: false, tick: (now: number) => this.#exclusive.trim(now) };
    this.#watchdog = createWatchdog(() => [...this.#threads, trim]);
  }

  /** Loads all environments in the first thread of the kind that they run on. */
  async load(): Promise<void> {
    const states = [...this.#environments.values()];
    const shared = states.filter(({ isExclusive }) => !isExclusive);
    const exclusive = states.filter(({ isExclusive }) => isExclusive);
    if (shared.length > 0) await loadIn(await this.#shared.pick(), shared);
    if (exclusive.length === 0) return;
    const thread = await this.#exclusive.lease(false, this.#options.limits.timeoutMs);
    await loadIn(thread, exclusive);
    this.#exclusive.release(thread);
  }

  handles(environment: string, event: string): boolean {
    return this.#environments.get(environment)?.events.has(event) === true;
  }

  events(environment: string): readonly string[] {
    return [...(this.#environments.get(environment)?.events ?? [])];
  }

  begin(request: Parameters<Extensions['begin']>[0]): RequestCall {
    return new RequestCall(request, this);
  }

  status(): ReturnType<Extensions['status']> {
    return {
      environments: [...this.#environments.values()].map((state) => state.status()),
      threads: [...this.#threads].map((thread) => ({
        kind: thread.kind,
        state: !thread.isReady ? 'starting' : thread.isBusy ? 'busy' : 'idle',
        inFlight: thread.inFlight,
        heapBytes: thread.heapBytes,
      })),
      waiting: this.#exclusive.waiting,
    };
  }

  release(environment: string): boolean {
    return this.#environments.get(environment)?.release() === true;
  }

  find(environment: string): EnvironmentState | undefined {
    return this.#environments.get(environment);
  }

  lease(nested: boolean, timeoutMs: number): Promise<ThreadHost> {
    return this.#exclusive.lease(nested, timeoutMs);
  }

  giveBack(thread: ThreadHost): void {
    this.#exclusive.release(thread);
  }

  pick(): ThreadHost | Promise<ThreadHost> {
    return this.#shared.pick();
  }

  wake(): void {
    this.#watchdog.wake();
  }

  enter(): boolean {
    if (this.#isClosed) return false;
    this.#requests += 1;
    return true;
  }

  leave(): void {
    this.#requests -= 1;
    if (this.#requests === 0) this.#onEmpty();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#empty();
    this.#exclusive.close();
    this.#shared.close();
    for (const thread of this.#threads) thread.stop('the gateway stops');
    this.#watchdog.close();
    await Promise.all(this.#exits);
    stopEsbuild();
  }

  /** Waits for the requests under way, as long as one event may take. */
  async #empty(): Promise<void> {
    if (this.#requests === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.limits.timeoutMs);
    this.#onEmpty = resolve;
    await promise;
    clearTimeout(timer);
  }

  async #start(kind: 'exclusive' | 'shared'): Promise<ThreadHost> {
    const { limits, call } = this.#options;
    const thread: ThreadHost = new ThreadHost({
      kind,
      code: this.#code,
      data: this.#data,
      limits,
      loadCall: call,
      onGone: ({ kind: how, reason, culprits }) => {
        this.#threads.delete(thread);
        this.#exclusive.remove(thread);
        this.#shared.remove(thread);
        observe({ type: 'extension.thread', kind, state: how, reason });
        if (how === 'killed') for (const name of culprits) this.#environments.get(name)?.kill(reason);
      },
      onRest: () => this.#exclusive.release(thread),
    });
    this.#threads.add(thread);
    const exit = thread.exited.then(() => void this.#exits.delete(exit));
    this.#exits.add(exit);
    this.#watchdog.wake();
    await thread.ready;
    observe({ type: 'extension.thread', kind, state: 'started' });
    return thread;
  }
}

async function loadIn(thread: ThreadHost, states: readonly EnvironmentState[]): Promise<void> {
  for (const state of states) state.events = new Set(await thread.load(state.index, state.name));
}

interface CompiledExtensions {
  readonly codes: readonly ThreadCode[];
  /** By environment, the indexes of its extensions. */
  readonly byEnvironment: readonly (readonly number[])[];
}

/** An extension that several environments have is compiled once. */
async function compileAll({ environments, npmPath, bundler = new Bundler(npmPath) }: ExtensionsOptions): Promise<CompiledExtensions> {
  const indexes = new Map<ExtensionCode, number>();
  for (const { extensions } of environments)
    for (const extension of extensions) if (!indexes.has(extension)) indexes.set(extension, indexes.size);
  const codes = await Promise.all([...indexes].map(([extension, at]) => compileExtension(extension, at, bundler)));
  return { codes, byEnvironment: environments.map(({ extensions }) => extensions.map((one) => indexes.get(one) ?? 0)) };
}
