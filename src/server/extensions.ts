import type { Settings } from '../config/settings.ts';
import type { Bundler } from '../extension/bundler.ts';
import { createExtensions } from '../extension/extensions.ts';
import { createHostCalls, type SyncAccess } from '../extension/host/host-calls.ts';
import type { ExtensionMemory } from '../extension/host/memory.ts';
import { toEnvironments } from '../extension/to-environments.ts';
import type { Extensions } from '../extension/types.ts';
import type { TenantDirectory } from '../identity/tenant-directory.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { HostCall } from '../resource/host-call.ts';
import { answerSchemaCall } from '../resource/host-calls-schema.ts';
import type { ExtensionSource, SchemaSet } from '../schema/types.ts';
import type { Closable } from './closing.ts';
import { toEnvironmentsOptions, toExtensionsOptions, toHostCallsOptions } from './extension-options.ts';
import type { GetSecret } from './secrets-of.ts';

/** Loads the extensions of sets of schemas, and answers what they ask of the gateway beside its resources. */
export interface ExtensionLoader extends Closable {
  /**
   * The extensions of a set, of which `own` are those of its files: when those that were stored beside them do not load, that is told, and these alone count.
   * Undefined when none fits a schema or job. Rejects with EXTENSION_COMPILE or EXTENSION_LOAD; the caller closes what it gets.
   */
  load(schemas: SchemaSet, own: readonly ExtensionSource[], bundler: Bundler): Promise<Extensions | undefined>;
  /** Has the bundler see the modules of a set. Never rejects: `load` tells what is wrong with them. */
  bundle(schemas: SchemaSet, bundler: Bundler): Promise<void>;
  readonly hostCall: HostCall;
}

export function createExtensionLoader(
  settings: Settings,
  directory: TenantDirectory | undefined,
  sync: SyncAccess | undefined,
  getSecret: GetSecret,
  memory: ExtensionMemory,
): ExtensionLoader {
  const calls = createHostCalls({
    ...toHostCallsOptions(settings),
    getSecret,
    memory,
    ...(sync !== undefined && { sync }),
    ...(directory !== undefined && {
      tenants: { idOf: (name) => directory.idOf(name), nameOf: (id) => directory.nameOf(id) },
    }),
  });
  const hostCall: HostCall = (name, args, caller) =>
    calls.call(name, args, caller) ?? Promise.reject(new SekishoError('EXTENSION_NOT_ENABLED', `There is no call ${name}.`));
  const load = async (schemas: SchemaSet, bundler: Bundler): Promise<Extensions | undefined> => {
    const environments = toEnvironments(schemas, toEnvironmentsOptions(settings));
    if (environments.length === 0) return undefined;
    return await createExtensions({
      environments,
      ...toExtensionsOptions(settings),
      bundler,
      // Nobody waits for a script that loads but the one who loads it.
      call: async (name, args) =>
        /^(?:schema|policy)\./.test(name) ? answerSchemaCall(schemas, name, args) : await hostCall(name, args, LOADING),
    });
  };
  return {
    hostCall,
    async bundle(schemas, bundler) {
      let environments: ReturnType<typeof toEnvironments> = [];
      try {
        environments = toEnvironments(schemas, toEnvironmentsOptions(settings));
      } catch {
        // Told by whoever loads them, as is what is rejected below.
      }
      const modules = environments.flatMap(({ extensions }) => extensions.filter(({ style }) => style === 'module'));
      await Promise.allSettled(modules.map((extension) => bundler.bundle(extension)));
    },
    async load(schemas, own, bundler) {
      try {
        return await load(schemas, bundler);
      } catch (error) {
        if (schemas.extensions.length === own.length) throw error;
        observe({ type: 'error', error: toSekishoError(error), where: 'stored extensions (those of the files alone are run)' });
        return await load({ ...schemas, extensions: own }, bundler);
      }
    },
    close: () => calls.close(),
  };
}

const LOADING = { environment: '', event: '', depth: 0, signal: new AbortController().signal };
