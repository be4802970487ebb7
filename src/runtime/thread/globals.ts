import { moduleFetch } from './builtin-http.ts';

/** Globals that would reach outside the thread, or allocate memory that no limit sees. */
const REMOVED: readonly string[] = [
  'SharedArrayBuffer',
  'BroadcastChannel',
  'WebSocket',
  'EventSource',
  'Storage',
  'localStorage',
  'sessionStorage',
  'navigator',
  'Navigator',
  'PerformanceObserver',
  'require',
  'module',
  'exports',
  '__filename',
  '__dirname',
];

/**
 * WebAssembly memory is seen by no limit, so that modules get none. Node's own `fetch` however compiles its HTTP parser through the
 * global when it is first used: only a WebAssembly module with that parser's imports passes.
 */
function guardWebAssembly(): object {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: { Module: WasmModule; Instance: unknown } }).WebAssembly;
  return {
    Instance,
    Module: class {
      constructor(bytes: unknown) {
        const module = new Module(bytes);
        const imports = Module.imports(module);
        const isHttpParser = imports.length > 0 && imports.every(({ kind, name }) => kind === 'function' && name.startsWith('wasm_on_'));
        if (!isHttpParser) throw new Error('WebAssembly is not available in modules');
        // biome-ignore lint/correctness/noConstructorReturn: stands in for the real constructor
        return module;
      }
    },
  };
}

interface WasmModule {
  new (bytes: unknown): object;
  imports(module: object): readonly { readonly kind: string; readonly name: string }[];
}

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
  const added = { process, WebAssembly: guardWebAssembly(), console: parts.console, fetch: moduleFetch, self: globalThis, ...parts.timers };
  for (const [name, value] of Object.entries(added))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
