import { dirname } from 'node:path';
import { readDataFile } from '../config/data-file.ts';
import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import { ANONYMOUS, createIdentifier } from '../identity/identify.ts';
import { createProviders } from '../identity/providers.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySet } from '../policy/types.ts';
import type { Fallback } from '../proxy/proxy-options.ts';
import { createResourceApi } from '../resource/api.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { diffSets } from '../schema/diff-sets.ts';
import { loadSchemas } from '../schema/load-schemas.ts';
import type { SchemaSet } from '../schema/types.ts';
import { toDatabaseOptions } from '../sql/database-options.ts';
import { importInitialData } from '../sql/initial-data.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Closing } from './closing.ts';
import { createExtensionLoader } from './extensions.ts';
import { startHealthListener } from './health-listener.ts';
import { toPrepareOptions, toProviderOptions, toResourceApiOptions } from './models-options.ts';
import { releaseMemory } from './release-memory.ts';
import { createServedExtensions } from './served-extensions.ts';
import { addStored } from './stored-definitions.ts';
import type { SyncedModels } from './sync.ts';
import { createSyncAccess } from './sync-access.ts';
import { tellMigrated } from './tell-migrated.ts';
import { createTenantFollower } from './tenant-follower.ts';
import { createFileWatch } from './watch-files.ts';

/** Data models that are served. */
export interface StartedModels {
  readonly fallback: Fallback;
  /** A collection to try: one that everybody may list, else one of those that the development tokens are good for. */
  readonly sample: { readonly path: string; readonly isOpen: boolean } | undefined;
  /** What of them is kept in step with others. */
  readonly synced: SyncedModels;
}

/**
 * Starts the data models of the configuration: schema files → policies → tables → REST API, which the proxy asks where no route has a path.
 * Undefined when there are no schemas. Rejects with SCHEMA_INVALID, MIGRATION_NEEDED or DATABASE_* when something of it is not fit.
 */
export async function startModels(
  settings: Settings,
  configPath: string,
  closing: Closing,
  etcd?: Etcd,
): Promise<StartedModels | undefined> {
  if (settings.schemas.length === 0 || settings.database === undefined) return undefined;
  const folder = configPath.startsWith('$') ? process.cwd() : dirname(configPath);
  const { providers, tenants: directory } = createProviders(toProviderOptions(settings));
  const identifier = closing.add(createIdentifier(providers));
  const tenants = closing.add(createTenantFollower({ directory, periodMs: settings.keystone.cacheTtlMs }));
  const withPolicies = (schemas: SchemaSet) => ({ schemas, policies: compilePolicies(schemas.policies, { tenants: tenants.current() }) });
  const read = () => loadSchemas(settings.schemas, { cwd: folder, legacyTableNames: settings.database?.legacy ?? true });
  const files = read();
  compilePolicies(files.policies);
  const database = closing.add(await openDatabase(toDatabaseOptions(settings.database, folder)));
  const prepareOptions = toPrepareOptions(settings, settings.database);
  await database.prepare(files, prepareOptions);
  for (const { connection: source } of settings.database.initialData) {
    const tables = readDataFile(source) as Parameters<typeof importInitialData>[2]['tables'];
    await importInitialData(database, files, { tables, source, fillDefaults: applyDefaults });
  }
  const complete = async (schemas: SchemaSet): Promise<SchemaSet> => {
    const whole = await addStored(schemas, database, folder);
    await tenants.prepare(compilePolicies(whole.policies).needTenants);
    return whole;
  };
  const first = await complete(files);
  const loader = closing.add(createExtensionLoader(settings, directory, etcd && createSyncAccess(etcd)));
  const extensions = closing.add(createServedExtensions(await loader.load(first, files.extensions)));
  const { hostCall } = loader;
  const api = closing.add(
    createResourceApi({
      ...withPolicies(first),
      database,
      identifier,
      extensions: extensions.current,
      hostCall,
      ...toResourceApiOptions(settings),
    }),
  );
  await tellMigrated(first, api.runEvent);
  releaseMemory();

  let served = first;
  const serve = (schemas: SchemaSet): Promise<void> => {
    const next = withPolicies(schemas);
    served = schemas;
    return api.swap(next.schemas, next.policies, extensions.current);
  };
  tenants.follow(() => void serve(served));
  const watch = closing.add(
    createFileWatch(async () => {
      try {
        const own = read();
        const next = await complete(own);
        watch.follow(filesOf(next));
        const { changes, obstacles } = diffSets(served, next);
        if (changes.length === 0) return;
        if (obstacles.length > 0) throw needsRestart(obstacles);
        const loaded = await loader.load(next, own.extensions);
        await database.prepare(next, prepareOptions).catch(async (error: unknown) => {
          await loaded?.close();
          throw error;
        });
        await extensions.replace(loaded, () => serve(next));
        await tellMigrated(next, api.runEvent);
      } catch (error) {
        observe({ type: 'error', error: toSekishoError(error), where: 'schema files (the last good set serves on)' });
      }
    }),
  );
  watch.follow(filesOf(first));

  if (settings.healthcheck.enabled) closing.add(await startHealthListener(settings, database));
  const { namespace } = settings.api;
  return {
    fallback: {
      handle: (exchange, record) => record.namespace === namespace && api.handle(exchange, record),
      explain: (name, method, path) => (name === namespace ? api.explain(method, path) : undefined),
    },
    synced: { database, schemas: () => served, runEvent: api.runEvent },
    sample: toSample(withPolicies(first), settings),
  };
}

/** The files whose changes are followed: of schemas, and of the code of their extensions. */
function filesOf({ files, extensions }: SchemaSet): readonly string[] {
  return [...files, ...extensions.flatMap(({ file }) => file ?? [])];
}

function toSample({ schemas, policies }: { schemas: SchemaSet; policies: PolicySet }, { keystone }: Settings): StartedModels['sample'] {
  const types = [...schemas.resources.values()].filter(({ isMeta }) => !isMeta);
  const open = types.find(({ url }) => policies.decide(ANONYMOUS, 'read', url).allowed);
  if (open !== undefined) return { path: open.url, isOpen: true };
  const [any] = types;
  return any === undefined || !keystone.useKeystone || !keystone.fake ? undefined : { path: any.url, isOpen: false };
}

function needsRestart(obstacles: readonly string[]): SekishoError {
  return new SekishoError(
    'MIGRATION_NEEDED',
    `The schema files changed in a way that a running server cannot follow: ${obstacles.join('; ')}`,
    {
      errors: obstacles.map((detail) => ({ pointer: '', detail })),
    },
  );
}
