import type { HostCallTable, HttpCall } from '../host-calls.ts';
import type { EventCaller, Fields } from '../types.ts';
import { readConfigPath } from './config-path.ts';
import { type ExecOptions, runProgram } from './exec.ts';
import { type FilesOptions, openFiles } from './files.ts';
import { notEnabled } from './host-error.ts';
import { createHttpClient, type HttpClientOptions } from './http-client.ts';
import type { ExtensionMemory } from './memory.ts';
import { sleep } from './sleep.ts';

/** What scripts may do with etcd. */
export interface SyncAccess {
  fetch(path: string, signal: AbortSignal): Promise<Fields | undefined>;
  update(path: string, value: string, signal: AbortSignal): Promise<void>;
  delete(path: string, isPrefix: boolean, signal: AbortSignal): Promise<void>;
  watch(path: string, timeoutMs: number, revision: number, signal: AbortSignal): Promise<readonly Fields[]>;
}

/** Names of tenants and their ids. */
export interface TenantNames {
  idOf(name: string, signal: AbortSignal): Promise<string | undefined>;
  nameOf(id: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface HostCallsOptions {
  readonly http: HttpClientOptions;
  readonly files: FilesOptions;
  readonly exec: ExecOptions;
  readonly memory: ExtensionMemory;
  /** The settings as in the configuration file, without secrets. */
  readonly config: unknown;
  getSecret?(name: string): Promise<string | undefined>;
  readonly tenants?: TenantNames;
  readonly sync?: SyncAccess;
}

/** The host calls that no database answers: of one process, for all extensions. */
export interface HostCalls {
  /** The answer to a call; undefined when the call is not one of these. Rejects with a SekishoError. */
  call(name: string, args: readonly unknown[], caller: EventCaller): Promise<unknown> | undefined;
  close(): void;
}

type Served =
  | 'http.request'
  | 'config.get'
  | 'secret.get'
  | 'sleep'
  | 'exec.run'
  | Extract<keyof HostCallTable, `${'cache' | 'global' | 'tenant' | 'sync' | 'file'}.${string}`>;

/** The function of each call: the signal comes first, then the arguments. */
type Table = {
  readonly [Name in Served]: (
    signal: AbortSignal,
    ...args: Parameters<HostCallTable[Name]>
  ) => ReturnType<HostCallTable[Name]> | Promise<ReturnType<HostCallTable[Name]>>;
};

export function createHostCalls(options: HostCallsOptions): HostCalls {
  const http = createHttpClient(options.http);
  const table = {
    ...localCalls(options),
    ...remoteCalls(options),
    'http.request': (signal, call: HttpCall) => http.request(call, signal),
  } satisfies Table;
  return {
    call(name, args, { signal }) {
      if (!Object.hasOwn(table, name)) return undefined;
      const run = table[name as Served] as (signal: AbortSignal, ...args: readonly unknown[]) => unknown;
      return (async () => await run(signal, ...args))();
    },
    close: () => http.close(),
  };
}

type Local = Exclude<Served, 'http.request' | `${'tenant' | 'sync' | 'secret' | 'cache' | 'global'}.${string}`>;

/** What stays in this process and on this machine. */
function localCalls(options: HostCallsOptions): Pick<Table, Local> {
  const files = openFiles(options.files);
  return {
    'config.get': (_signal, path) => readConfigPath(options.config, path),
    'file.read': (_signal, path) => files.read(path),
    'file.list': (_signal, path) => files.list(path),
    'file.stat': (_signal, path) => files.stat(path),
    'file.write': (_signal, path, text) => files.write(path, text),
    'file.makeDirectory': (_signal, path) => files.makeDirectory(path),
    'exec.run': (signal, command, args) => runProgram(options.exec, command, args, signal),
    sleep: (signal, ms) => sleep(ms, signal),
  };
}

/** What other parts of the gateway know. */
function remoteCalls({ getSecret, tenants, sync, memory }: HostCallsOptions): Pick<Table, Exclude<Served, Local | 'http.request'>> {
  const needTenants = (): TenantNames => {
    if (tenants === undefined) throw notEnabled('Looking up tenants', 'keystone.use_keystone');
    return tenants;
  };
  const needSync = (): SyncAccess => {
    if (sync === undefined) throw notEnabled('Synchronisation', 'etcd or sync');
    return sync;
  };
  return {
    'cache.get': async (_signal, ...args) => (await memory.call('cache.get', args)) as string | undefined,
    'cache.set': async (_signal, ...args) => void (await memory.call('cache.set', args)),
    'global.get': async (_signal, ...args) => (await memory.call('global.get', args)) as string | undefined,
    'global.set': async (_signal, ...args) => void (await memory.call('global.set', args)),
    'secret.get': async (_signal, name) => await getSecret?.(name),
    'tenant.idOf': (signal, name) => needTenants().idOf(name, signal),
    'tenant.nameOf': (signal, id) => needTenants().nameOf(id, signal),
    'sync.fetch': (signal, path) => needSync().fetch(path, signal),
    'sync.update': (signal, path, value) => needSync().update(path, value, signal),
    'sync.delete': (signal, path, isPrefix) => needSync().delete(path, isPrefix, signal),
    'sync.watch': (signal, path, timeoutMs, revision) => needSync().watch(path, timeoutMs, revision, signal),
  };
}
