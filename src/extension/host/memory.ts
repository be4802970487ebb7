import { createModuleCache } from '../../runtime/cache.ts';
import type { HostCallTable } from '../host-calls.ts';
import { createGlobalStore } from './global-store.ts';

/** Calls that ask for what extensions keep beyond a request. */
export type MemoryCall = Extract<keyof HostCallTable, `${'cache' | 'global'}.${string}`>;

/** What extensions keep beyond a request: one for all processes that serve. */
export interface ExtensionMemory {
  /** Rejects with EXTENSION_CALL_FAILED when it does not fit. */
  call(name: MemoryCall, args: readonly unknown[]): Promise<unknown>;
}

export interface ExtensionMemoryOptions {
  /** Of all shared objects together. */
  readonly maxGlobalBytes: number;
  /** The least recently used values go beyond it. */
  readonly maxCacheBytes: number;
}

type Table = {
  readonly [Name in MemoryCall]: (...args: Parameters<HostCallTable[Name]>) => ReturnType<HostCallTable[Name]>;
};

/** Keeps it in this process. */
export function createExtensionMemory({ maxGlobalBytes, maxCacheBytes }: ExtensionMemoryOptions): ExtensionMemory {
  const globals = createGlobalStore(maxGlobalBytes);
  const cache = createModuleCache(maxCacheBytes);
  const table: Table = {
    'cache.get'(key) {
      const bytes = cache.get('', key);
      return bytes === undefined ? undefined : Buffer.from(bytes).toString();
    },
    'cache.set': (key, value, ttlMs) => cache.set('', key, Buffer.from(value), ttlMs),
    'global.get': (environment, name) => globals.get(environment, name),
    'global.set': (environment, name, text) => globals.set(environment, name, text),
  };
  return { call: async (name, args) => (table[name] as (...given: readonly unknown[]) => unknown)(...args) };
}
