import type { Settings } from '../config/settings.ts';
import { createExtensions } from '../extension/extensions.ts';
import { createHostCalls, type SyncAccess } from '../extension/host/host-calls.ts';
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
  load(schemas: SchemaSet, own: readonly ExtensionSource[]): Promise<Extensions | undefined>;
  readonly hostCall: HostCall;
}

export function createExtensionLoader(
  settings: Settings,
  directory: TenantDirectory | undefined,
  sync: SyncAccess | undefined,
  getSecret: GetSecret,
): ExtensionLoader {
  const calls = createHostCalls({
    ...toHostCallsOptions(settings),
    getSecret,
    ...(sync !== undefined && { sync }),
    ...(directory !== undefined && {
      tenants: { idOf: (name) => directory.idOf(name), nameOf: (id) => directory.nameOf(id) },
    }),
  });
  const hostCall: HostCall = (name, args, caller) =>
    calls.call(name, args, caller) ?? Promise.reject(new SekishoError('EXTENSION_NOT_ENABLED', `There is no call ${name}.`));
  const load = async (schemas: SchemaSet): Promise<Extensions | undefined> => {
    const environments = toEnvironments(schemas, toEnvironmentsOptions(settings));
    if (environments.length === 0) return undefined;
    return await createExtensions({
      environments,
      ...toExtensionsOptions(settings),
      // Nobody waits for a script that loads but the one who loads it.
      call: async (name, args) =>
        /^(?:schema|policy)\./.test(name) ? answerSchemaCall(schemas, name, args) : await hostCall(name, args, LOADING),
    });
  };
  return {
    hostCall,
    async load(schemas, own) {
      try {
        return await load(schemas);
      } catch (error) {
        if (schemas.extensions.length === own.length) throw error;
        observe({ type: 'error', error: toSekishoError(error), where: 'stored extensions (those of the files alone are run)' });
        return await load({ ...schemas, extensions: own });
      }
    },
    close: () => calls.close(),
  };
}

const LOADING = { environment: '', event: '', depth: 0, signal: new AbortController().signal };
