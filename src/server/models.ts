import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readDataFile } from '../config/data-file.ts';
import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import { areSameBundles, Bundler, type Bundles } from '../extension/bundler.ts';
import { createExtensionMemory, type ExtensionMemory } from '../extension/host/memory.ts';
import type { Extensions } from '../extension/types.ts';
import { ANONYMOUS } from '../identity/identify.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySet } from '../policy/types.ts';
import type { Fallback } from '../proxy/proxy-options.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { diffSets } from '../schema/diff-sets.ts';
import { loadSchemas } from '../schema/load-schemas.ts';
import type { SchemaSet } from '../schema/types.ts';
import { toDatabaseOptions } from '../sql/database-options.ts';
import { importInitialData } from '../sql/initial-data.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import type { Closing } from './closing.ts';
import { toMemoryOptions } from './extension-options.ts';
import { startHealthListener } from './health-listener.ts';
import { type LoadedModels, startModelApi } from './model-api.ts';
import { toPrepareOptions } from './models-options.ts';
import { openSyncEtcd } from './open-etcd.ts';
import { releaseMemory } from './release-memory.ts';
import type { GetSecret } from './secrets-of.ts';
import type { SyncedModels } from './sync.ts';
import { tellMigrated } from './tell-migrated.ts';
import { createFileWatch, type FileWatch } from './watch-files.ts';

/** What was read and made of files: workers load what the supervisor has checked, whatever is on the disk meanwhile. */
export interface ModelFiles {
  /** By absolute path. */
  readonly texts: ReadonlyMap<string, string>;
  /** Of the modules among the extensions. */
  readonly bundles: Bundles;
}

/** Other processes that serve the same models. */
export interface ModelFollowers {
  /** They load the files; rejects when one of them can't, and none keeps them then. */
  prepare(files: ModelFiles): Promise<void>;
  /** They serve what they have prepared. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Data models that are served. */
export interface StartedModels {
  readonly fallback: Fallback;
  /** A collection to try: one that everybody may list, else one of those that the development tokens are good for. */
  readonly sample: { readonly path: string; readonly isOpen: boolean } | undefined;
  /** What of them is kept in step with others. */
  readonly synced: SyncedModels;
  /** Those of this process. */
  extensions(): Extensions | undefined;
  /** The files of the set that is served. */
  files(): ModelFiles;
  /** Follows the files and answers health checks until `closing` closes: of several processes with the same models one does. */
  attend(closing: Closing): Promise<void>;
  /** Runs `post-migration` of every schema. To be called once, when the entities (secrets are among them) are there. */
  begin(): Promise<void>;
  /** Rejects with what is wrong with the files as they are now. */
  check(): Promise<void>;
  /** Another process has committed rows of the event log. */
  tellEvents(): void;
  /** Reads the files again and serves them, here and by `followers`. Rejects with what is wrong with them; the set before serves on. */
  reload(): Promise<void>;
}

/** What models of a process meet of the rest of the gateway. */
export interface ModelsAround {
  readonly etcd: Etcd | undefined;
  readonly followers: ModelFollowers | undefined;
  readonly getSecret: GetSecret;
  /** What extensions keep, when it is to outlive the models. */
  readonly memory?: ExtensionMemory | undefined;
}

/**
 * Starts the data models of the configuration: schema files → policies → tables → REST API, which the proxy asks where no route has a path.
 * Undefined when there are no schemas. Rejects with SCHEMA_INVALID, MIGRATION_NEEDED or DATABASE_* when something of it is not fit. `followers` serve what this process
 * has prepared.
 */
export async function startModels(
  settings: Settings,
  configPath: string,
  closing: Closing,
  { etcd, followers, getSecret, memory = createExtensionMemory(toMemoryOptions(settings)) }: ModelsAround,
): Promise<StartedModels | undefined> {
  if (settings.schemas.length === 0 || settings.database === undefined) return undefined;
  const folder = folderOf(configPath);
  const { set, texts, bundler } = readModels(settings, folder);
  compilePolicies(set.policies);
  const database = closing.add(await openDatabase(toDatabaseOptions(settings.database, folder)));
  const prepareOptions = toPrepareOptions(settings, settings.database);
  await database.prepare(set, prepareOptions);
  await importAll(settings.database, database, set);
  const models = await startModelApi({ settings, folder, database, closing, etcd, getSecret, memory, first: set, bundler });
  let files: ModelFiles = { texts, bundles: bundler.bundles };
  let { imports } = bundler;
  const { api, served } = models;
  releaseMemory();

  const reload = async (): Promise<void> => {
    const read = readModels(settings, folder);
    const next = await models.load(read.set, read.bundler);
    const { bundles } = read.bundler;
    try {
      await next.bundle();
      imports = read.bundler.imports;
      watch?.follow([...filesOf(next.set), ...imports]);
      const { changes, obstacles } = diffSets(served().set, next.set);
      if (changes.length === 0 && areSameBundles(files.bundles, bundles)) return await next.close();
      if (obstacles.length > 0) throw needsRestart(obstacles);
      await next.loadExtensions();
      await database.prepare(next.set, prepareOptions);
      await followers?.prepare({ texts: read.texts, bundles });
    } catch (error) {
      await next.close();
      throw error;
    }
    files = { texts: read.texts, bundles };
    await models.serve(next);
    await followers?.commit();
    await tellMigrated(next.set, api.runEvent);
  };
  const elsewhere = new Set<() => void>();
  let reloading: Promise<void> = Promise.resolve();
  const inTurn = (): Promise<void> => {
    const turn = reloading.then(reload);
    reloading = turn.catch(() => undefined);
    return turn;
  };
  let watch: FileWatch | undefined;
  const onEdit = () =>
    inTurn().catch((error: unknown) =>
      observe({ type: 'error', error: toSekishoError(error), where: 'schema files (the last good set serves on)' }),
    );
  return {
    fallback: models.fallback,
    synced: { database: withListeners(database, elsewhere), schemas: () => served().set, runEvent: api.runEvent },
    sample: toSample(served(), settings),
    extensions: models.extensions,
    files: () => files,
    async attend(attending) {
      watch = attending.add(createFileWatch(onEdit));
      watch.follow([...filesOf(served().set), ...imports]);
      if (settings.healthcheck.enabled) attending.add(await startHealthListener(settings, database));
    },
    begin: () => tellMigrated(served().set, api.runEvent),
    check: async () => void compilePolicies(readModels(settings, folder).set.policies),
    tellEvents: () => elsewhere.forEach((listener) => listener()),
    reload: inTurn,
  };
}

/** Data models of a worker: the supervisor has checked the files and prepared the tables. */
export interface ServedModels {
  readonly fallback: Fallback;
  extensions(): Extensions | undefined;
  prepare(files: ModelFiles): Promise<void>;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export interface ServeModelsOptions {
  readonly schemaFiles: ModelFiles;
  /** Called when rows of the event log were committed. */
  readonly onEvents: () => void;
  readonly getSecret: GetSecret;
  /** What extensions keep: that of the supervisor. */
  readonly memory: ExtensionMemory;
}

/** Serves data models whose tables are prepared. Rejects as `startModels` does. */
export async function serveModels(
  settings: Settings,
  configPath: string,
  closing: Closing,
  { schemaFiles, onEvents, getSecret, memory }: ServeModelsOptions,
): Promise<ServedModels> {
  if (settings.database === undefined) throw new SekishoError('CONFIG_INVALID', 'schemas need a database');
  const folder = folderOf(configPath);
  const database = closing.add(await openDatabase(toDatabaseOptions(settings.database, folder)));
  closing.add({ close: database.onLogged(onEvents) });
  const prepareOptions = toPrepareOptions(settings, settings.database);
  const first = readModels(settings, folder, schemaFiles);
  database.use(first.set, prepareOptions);
  const etcd = await openSyncEtcd(settings, closing);
  const around = { settings, folder, database, closing, etcd, getSecret, memory };
  const models = await startModelApi({ ...around, first: first.set, bundler: first.bundler });
  releaseMemory();
  let prepared: LoadedModels | undefined;
  const discard = async (): Promise<void> => {
    const unused = prepared;
    prepared = undefined;
    await unused?.close();
  };
  return {
    fallback: models.fallback,
    extensions: models.extensions,
    async prepare(files) {
      await discard();
      const read = readModels(settings, folder, files);
      const next = await models.load(read.set, read.bundler);
      prepared = next;
      try {
        await next.loadExtensions();
      } catch (error) {
        await discard();
        throw error;
      }
    },
    async commit() {
      const next = prepared;
      prepared = undefined;
      if (next === undefined) throw new SekishoError('INTERNAL', 'no models were prepared');
      database.use(next.set, prepareOptions);
      await models.serve(next);
    },
    discard,
  };
}

/** The database with `onLogged` for commits of other processes, too. */
function withListeners(database: Database, listeners: Set<() => void>): Database {
  const onLogged: Database['onLogged'] = (listener) => {
    const off = database.onLogged(listener);
    listeners.add(listener);
    return () => {
      off();
      listeners.delete(listener);
    };
  };
  // Everything else is the database's own: also what its getters give.
  return Object.create(database, { onLogged: { value: onLogged } }) as Database;
}

function folderOf(configPath: string): string {
  return configPath.startsWith('$') ? process.cwd() : dirname(configPath);
}

interface ReadModels {
  readonly set: SchemaSet;
  readonly texts: ReadonlyMap<string, string>;
  /** Of the set's modules, for which it has what `from` has. */
  readonly bundler: Bundler;
}

/** Loads the schema files, from the disk or from what was read of it, and keeps what it reads. */
function readModels(settings: Settings, folder: string, from?: ModelFiles): ReadModels {
  const texts = new Map<string, string>();
  const readFile = (path: string): string => {
    const text = from === undefined ? readFileSync(path, 'utf8') : from.texts.get(path);
    if (text === undefined) throw Object.assign(new Error(`${path} was not read`), { code: 'ENOENT' });
    texts.set(path, text);
    return text;
  };
  const legacyTableNames = settings.database?.legacy ?? true;
  const set = loadSchemas(settings.schemas, { cwd: folder, legacyTableNames, readFile });
  return { set, texts, bundler: new Bundler(settings.extension.npmPath, from?.bundles) };
}

async function importAll({ initialData }: NonNullable<Settings['database']>, database: Database, set: SchemaSet): Promise<void> {
  for (const { connection: source } of initialData) {
    const tables = readDataFile(source) as Parameters<typeof importInitialData>[2]['tables'];
    await importInitialData(database, set, { tables, source, fillDefaults: applyDefaults });
  }
}

/** The files whose changes are followed: of schemas, and of the code of their extensions. */
function filesOf({ files, extensions }: SchemaSet): readonly string[] {
  return [...files, ...extensions.flatMap(({ file }) => file ?? [])];
}

function toSample({ set, policies }: { set: SchemaSet; policies: PolicySet }, { keystone }: Settings): StartedModels['sample'] {
  const types = [...set.resources.values()].filter(({ isMeta }) => !isMeta);
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
