import type { Settings } from '../../config/settings.ts';
import { createExtensions } from '../../extension/extensions.ts';
import { createHostCalls, type HostCallsOptions, type SyncAccess } from '../../extension/host/host-calls.ts';
import { createExtensionMemory } from '../../extension/host/memory.ts';
import type { EnvironmentSource, EventCaller, Extensions } from '../../extension/types.ts';
import { createFakeTenants } from '../../identity/fake-tenants.ts';
import type { TenantDirectory } from '../../identity/tenant-directory.ts';
import { SekishoError } from '../../lib/errors.ts';
import { compilePolicies } from '../../policy/policy-set.ts';
import type { PolicySet } from '../../policy/types.ts';
import type { HostCall } from '../../resource/host-call.ts';
import { answerSchemaCall } from '../../resource/host-calls-schema.ts';
import type { SchemaSet } from '../../schema/types.ts';
import { openDatabase } from '../../sql/open-database.ts';
import type { Database } from '../../sql/types.ts';
import { toExtensionsOptions, toHostCallsOptions, toMemoryOptions } from '../extension-options.ts';

/** Everything that a test works with: an empty database in memory, policies, extensions in threads, and what these ask of the gateway. */
export interface TestModels {
  readonly database: Database;
  readonly policies: PolicySet;
  readonly extensions: Extensions | undefined;
  readonly hostCall: HostCall;
  /** At which the clocks of extensions stand; NaN: they go. */
  readonly clock: Float64Array;
  close(): Promise<void>;
}

export interface TestModelsOptions {
  readonly schemas: SchemaSet;
  readonly settings: Settings;
  readonly environments: readonly EnvironmentSource[];
  /** Folder that extensions may read files of, where the settings name none. */
  readonly folder: string;
  /** Answers a call in place of the gateway; undefined where the gateway is to answer. */
  answer?(name: string, args: readonly unknown[]): Promise<unknown> | undefined;
}

/** Rejects as the gateway would at its start: SCHEMA_INVALID, EXTENSION_COMPILE, EXTENSION_LOAD. Nothing stays open then. */
export async function openTestModels(options: TestModelsOptions): Promise<TestModels> {
  const { schemas, settings, environments } = options;
  const tenants = createFakeTenants();
  const policies = compilePolicies(schemas.policies, { tenants: await tenants.list() });
  const calls = createHostCalls({
    ...hostCallsOptions(options, tenants),
    memory: createExtensionMemory(toMemoryOptions(settings)),
  });
  const clock = new SharedArrayBuffer(8);
  new Float64Array(clock).fill(Number.NaN);
  const hostCall: HostCall = (name, args, caller) =>
    options.answer?.(name, args) ??
    calls.call(name, args, caller) ??
    Promise.reject(new SekishoError('EXTENSION_NOT_ENABLED', `There is no call ${name}.`));
  const database = await openDatabase({
    type: 'sqlite3',
    connection: ':memory:',
    maxOpenConnections: 1,
    retry: { count: 0, intervalMs: 0 },
  });
  let extensions: Extensions | undefined;
  const close = async (): Promise<void> => {
    await extensions?.close();
    calls.close();
    await database.close();
  };
  try {
    await database.prepare(schemas, { autoMigrate: true, cascadeDelete: false, eventLog: false });
    if (environments.length > 0)
      extensions = await createExtensions({
        environments,
        ...toExtensionsOptions(settings),
        testing: { clock },
        call: async (name, args) =>
          /^(?:schema|policy)\./.test(name) ? answerSchemaCall(schemas, name, args) : await hostCall(name, args, LOADING),
      });
  } catch (error) {
    await close();
    throw error;
  }
  return { database, policies, extensions, hostCall, clock: new Float64Array(clock), close };
}

const LOADING: EventCaller = { environment: '', event: '', depth: 0, signal: new AbortController().signal };

/** Nothing is synchronised: what is written is forgotten. */
const NO_SYNC: SyncAccess = {
  fetch: () => Promise.resolve(undefined),
  update: () => Promise.resolve(),
  delete: () => Promise.resolve(),
  watch: () => Promise.resolve([]),
};

function hostCallsOptions({ settings, folder }: TestModelsOptions, tenants: TenantDirectory): Omit<HostCallsOptions, 'memory'> {
  const own = toHostCallsOptions(settings);
  const names = { idOf: (name: string) => tenants.idOf(name), nameOf: (id: string) => tenants.nameOf(id) };
  return { ...own, files: { ...own.files, root: own.files.root ?? folder }, tenants: names, sync: NO_SYNC };
}
