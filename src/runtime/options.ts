import type { Bridge } from './types.ts';

/** Limits of module threads. All are finite; bytes and milliseconds. */
export interface RuntimeLimits {
  /** How long one phase may take, waiting included. */
  readonly timeoutMs: number;
  /** How long module code may keep its thread from answering. */
  readonly syncTimeoutMs: number;
  /** V8 heap of one thread. */
  readonly heapLimitBytes: number;
  /** Memory of one thread that V8's heap limit does not see (ArrayBuffers). */
  readonly rssLimitBytes: number;
  /** Threads that run at the same time; beyond it the least recently used idle one is stopped. */
  readonly maxThreads: number;
  /** Calls of one program that may be in flight. */
  readonly maxQueue: number;
  /** Largest body that a module may read. */
  readonly maxBodyBytes: number;
  /** So many kills within `quarantineWindowMs` put a program into quarantine. */
  readonly quarantineKills: number;
  readonly quarantineWindowMs: number;
  /** Bytes of `setCache` values, per namespace. */
  readonly cacheBytes: number;
}

export const DEFAULT_LIMITS: RuntimeLimits = {
  timeoutMs: 30_000,
  syncTimeoutMs: 2_000,
  heapLimitBytes: 64 * 1024 * 1024,
  rssLimitBytes: 256 * 1024 * 1024,
  maxThreads: 64,
  maxQueue: 1000,
  maxBodyBytes: 10 * 1024 * 1024,
  quarantineKills: 5,
  quarantineWindowMs: 60_000,
  cacheBytes: 16 * 1024 * 1024,
};

/** What a runtime is made of: the bridge to the gateway's state, and limits where they differ from the defaults. */
export interface ModuleRuntimeOptions extends Partial<RuntimeLimits> {
  readonly bridge: Bridge;
  /** Folder whose packages modules may import: one with a `node_modules`, or the `node_modules` itself. */
  readonly npmPath?: string;
  /** `process.env` of modules: a copy for each thread. Nothing of the real environment is visible beyond it. */
  readonly env?: Readonly<Record<string, string>>;
}
