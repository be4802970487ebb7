import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import type { Bundler } from '../extension/bundler.ts';
import type { ExtensionMemory } from '../extension/host/memory.ts';
import type { Extensions } from '../extension/types.ts';
import { createUpstreams } from '../http/upstreams.ts';
import { createIdentifier } from '../identity/identify.ts';
import { createProviders } from '../identity/providers.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySet } from '../policy/types.ts';
import type { Fallback } from '../proxy/proxy-options.ts';
import { createResourceApi, type ResourceApi } from '../resource/api.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { Database } from '../sql/types.ts';
import type { Closing } from './closing.ts';
import { createExtensionLoader } from './extensions.ts';
import { toProviderOptions, toResourceApiOptions } from './models-options.ts';
import { toUpstreamsOptions } from './options.ts';
import type { GetSecret } from './secrets-of.ts';
import { createServedExtensions } from './served-extensions.ts';
import { addStored } from './stored-definitions.ts';
import { createSyncAccess } from './sync-access.ts';
import { createTenantFollower } from './tenant-follower.ts';

/** A set of schemas that could be served, with what was stored beside its files. */
export interface LoadedModels {
  readonly set: SchemaSet;
  /** Has the bundler see all modules; what is wrong with them is told by `loadExtensions`. */
  bundle(): Promise<void>;
  /** Rejects with EXTENSION_COMPILE or EXTENSION_LOAD. */
  loadExtensions(): Promise<void>;
  /** For one that will not be served. */
  close(): Promise<void>;
}

/** The REST API of models in this process. */
export interface ModelApi {
  readonly api: ResourceApi;
  readonly fallback: Fallback;
  /** `files` with what is stored in the database; `bundler` gives the bundles of their modules. */
  load(files: SchemaSet, bundler: Bundler): Promise<LoadedModels>;
  /** Serves it from now on; requests under way finish with the one before. */
  serve(next: LoadedModels): Promise<void>;
  /** Those that are served now. */
  extensions(): Extensions | undefined;
  served(): { readonly set: SchemaSet; readonly policies: PolicySet };
}

export interface ModelApiOptions {
  readonly settings: Settings;
  /** Where names of files are relative to. */
  readonly folder: string;
  /** Its tables are prepared for `first`. */
  readonly database: Database;
  readonly closing: Closing;
  readonly etcd: Etcd | undefined;
  readonly getSecret: GetSecret;
  readonly memory: ExtensionMemory;
  /** The schemas of the files. */
  readonly first: SchemaSet;
  readonly bundler: Bundler;
}

interface Loaded extends LoadedModels {
  readonly own: SchemaSet;
  extensions: Extensions | undefined;
}

/** Puts identities, tenants, extensions and the REST API together over a prepared database. */
export async function startModelApi(options: ModelApiOptions): Promise<ModelApi> {
  const { settings, folder, database, closing, etcd, getSecret, memory, first, bundler } = options;
  const { providers, tenants: directory } = createProviders(toProviderOptions(settings));
  const identifier = closing.add(createIdentifier(providers));
  const tenants = closing.add(createTenantFollower({ directory, periodMs: settings.keystone.cacheTtlMs }));
  const loader = closing.add(createExtensionLoader(settings, directory, etcd && createSyncAccess(etcd), getSecret, memory));
  const policiesOf = (set: SchemaSet): PolicySet => compilePolicies(set.policies, { tenants: tenants.current() });
  const load = async (own: SchemaSet, modules: Bundler): Promise<Loaded> => {
    const set = await addStored(own, database, folder);
    await tenants.prepare(compilePolicies(set.policies).needTenants);
    const loaded: Loaded = {
      own,
      set,
      extensions: undefined,
      bundle: () => loader.bundle(set, modules),
      async loadExtensions() {
        loaded.extensions = await loader.load(set, own.extensions, modules);
      },
      async close() {
        await loaded.extensions?.close();
      },
    };
    return loaded;
  };

  const begun = await load(first, bundler);
  await begun.loadExtensions();
  const extensions = closing.add(createServedExtensions(begun.extensions));
  let served = { set: begun.set, policies: policiesOf(begun.set) };
  const api = closing.add(
    createResourceApi({
      schemas: served.set,
      policies: served.policies,
      database,
      identifier,
      extensions: extensions.current,
      hostCall: loader.hostCall,
      upstreams: closing.add(createUpstreams(toUpstreamsOptions(settings))),
      ...toResourceApiOptions(settings),
    }),
  );
  const serve = (set: SchemaSet): Promise<void> => {
    served = { set, policies: policiesOf(set) };
    return api.swap(served.set, served.policies, extensions.current);
  };
  tenants.follow(() => void serve(served.set));
  const { namespace } = settings.api;
  return {
    api,
    fallback: {
      handle: (exchange, record) => record.namespace === namespace && api.handle(exchange, record),
      explain: (name, method, path) => (name === namespace ? api.explain(method, path) : undefined),
    },
    load,
    // What is loaded here is what is served here.
    serve: (next) => extensions.replace((next as Loaded).extensions, () => serve(next.set)),
    extensions: () => extensions.current,
    served: () => served,
  };
}
