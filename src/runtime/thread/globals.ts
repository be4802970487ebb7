import { moduleFetch } from './builtin-http.ts';

/** Globals that would reach outside the thread, or allocate memory that no limit sees. */
const REMOVED = [
  'WebAssembly', 'SharedArrayBuffer', 'BroadcastChannel', 'WebSocket', 'EventSource', 'Storage', 'localStorage', 'sessionStorage', 'navigator', 'Navigator',
  'PerformanceObserver', 'MessageChannel', 'MessagePort', 'require', 'module', 'exports', '__filename', '__dirname',
];

/** Makes the global scope what module code may see: a stub of `process`, no way to files, and timers that belong to requests. */
export function prepareGlobals(parts: { env: Readonly<Record<string, string>>; host: string; console: object; timers: object }): void {
  for (const name of REMOVED) Reflect.deleteProperty(globalThis, name);
  const forbidden = (what: string) => () => {
    throw new Error(`process.${what}() is not available in a module`);
  };
  const process = {
    env: { ...parts.env },
    host: parts.host,
    platform: 'sekisho',
    versions: {},
    argv: [],
    exit: forbidden('exit'),
    abort: forbidden('abort'),
    kill: forbidden('kill'),
    cwd: () => '/',
    nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]) => queueMicrotask(() => callback(...args)),
    hrtime: { bigint: () => BigInt(Math.round(performance.now() * 1e6)) },
    uptime: () => performance.now() / 1000,
  };
  const added = { process, console: parts.console, fetch: moduleFetch, self: globalThis, ...parts.timers };
  for (const [name, value] of Object.entries(added)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
