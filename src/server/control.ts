import type { AdminOptions, Phase } from '../admin/types.ts';
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { SourceOptions } from '../config/source.ts';
import type { ExtensionMemory } from '../extension/host/memory.ts';
import { observe } from '../lib/event.ts';
import type { Bridge } from '../runtime/types.ts';
import type { MemoryContents, MemoryStore } from '../store/memory-store.ts';
import type { Registry } from '../store/registry.ts';
import type { Store } from '../store/types.ts';
import { startAdmin } from './admin.ts';
import type { AdminGate } from './admin-gate.ts';
import { createBackups } from './backups.ts';
import { type BaseLayer, createBaseLayer } from './base-layer.ts';
import { createBridge } from './bridge.ts';
import { createCertificateWatch } from './certificate-status.ts';
import { checkedInit } from './checked-init.ts';
import type { Closing } from './closing.ts';
import { createExtensionControl } from './extension-control.ts';
import { startFleet } from './fleet.ts';
import { type HintSources, toHints } from './hints.ts';
import type { Listening } from './listeners.ts';
import type { ModelFollowers, StartedModels } from './models.ts';
import { openStorageEtcd, openSyncEtcd } from './open-etcd.ts';
import { openStore } from './open-store.ts';
import type { Plane } from './plane.ts';
import { secretsOf } from './secrets-of.ts';
import { startState } from './state.ts';
import { storeProblems } from './store-problems.ts';
import { needsSync, startSync } from './sync.ts';

export interface ControlOptions<Built> {
  readonly loaded: LoadedSettings;
  /** Where the configuration is read again when watched files change. */
  readonly source: SourceOptions;
  readonly closing: Closing;
  /** Where models belong that outlive what owns the state; `closing` by default. */
  readonly serving?: Closing;
  /** Models that serve already. */
  readonly models?: StartedModels | undefined;
  /** What code of users meets in place of the way to this state alone. */
  readonly toShared?: (own: Bridge) => Bridge;
  /** Gives what serves requests; asked once the models are there. */
  readonly openPlane: (models: StartedModels | undefined, bridge: Bridge) => Plane<Built> | Promise<Plane<Built>>;
  /** Listens for the traffic; asked once the entities are served. */
  readonly openFront: () => Promise<Listening['listeners']>;
  readonly metrics: AdminOptions['metrics'];
  readonly processes: NonNullable<AdminOptions['processes']>;
  readonly phase: () => Phase;
  /** Those of this node now: a reload may change them. */
  readonly tags: () => readonly string[];
  /** Other processes that serve the models. */
  readonly followers?: ModelFollowers;
  /** What extensions keep, of the process; by default of these models. */
  readonly memory?: ExtensionMemory;
  /** Listens for admin calls already. */
  readonly gate?: AdminGate | undefined;
  /** What a store in memory begins with. */
  readonly contents?: MemoryContents | undefined;
}

/** What owns the state of a gateway: store, models, deliveries, admin API. */
export interface Control {
  readonly registry: Registry;
  readonly models: StartedModels | undefined;
  readonly base: BaseLayer;
  readonly admin: Listening | undefined;
  readonly front: Listening['listeners'];
  /** What a store in memory holds, for the process that takes over; undefined for others. */
  contents(): MemoryContents | undefined;
}

/** Puts it together and begins to serve; rejects when a part cannot start, and the caller closes what did. */
export async function startControl<Built>(options: ControlOptions<Built>): Promise<Control> {
  const {
    loaded,
    source,
    closing,
    serving = closing,
    openPlane,
    openFront,
    metrics,
    processes,
    phase,
    tags,
    followers,
    gate,
    contents,
  } = options;
  const { settings, path } = loaded;
  const first = checkedInit(settings.proxy.initResources);
  const etcd = await openSyncEtcd(settings, serving);
  let isLoaded = false;
  const own = createBridge(() => registry, tags);
  const bridge = options.toShared?.(own) ?? own;
  const getSecret = secretsOf(settings, bridge, () => isLoaded);
  // Loaded only where there are models: a gateway that only proxies needs neither drivers nor validators.
  const models =
    options.models ??
    (settings.schemas.length === 0
      ? undefined
      : await (await import('./models.ts')).startModels(settings, path, serving, { etcd, followers, getSecret, memory: options.memory }));
  await models?.attend(closing);
  const storageEtcd = await openStorageEtcd(settings, closing);
  const store = closing.add(await openStore(settings, storageEtcd, contents));
  const plane = await openPlane(models, bridge);
  const registry: Registry = await startState(settings, store, plane, closing);
  isLoaded = true;
  const reload = () => checkedInit(loadSettings(source).settings.proxy.initResources);
  const configPath = path.startsWith('$') ? undefined : path;
  const base = closing.add(await createBaseLayer({ first, reload, configPath, watchFiles: settings.proxy.watchFiles, registry }));
  if (options.models === undefined) await models?.begin();
  closing.add(createCertificateWatch(() => registry.entities()));
  const front = await openFront();
  const sync = needsSync(settings) ? closing.add(await startSync(settings, etcd, models?.synced)) : undefined;
  const problems = (): readonly string[] => [...storeProblems(store.health()), ...(sync?.problems() ?? [])];
  const listening: { admin?: Listening | undefined } = {};
  const fleet =
    storageEtcd &&
    startFleet(settings, storageEtcd, {
      registry,
      proxy: () => front,
      admin: () => listening.admin?.listeners ?? [],
      workers: processes.workers,
      wantedWorkers: processes.wanted,
      tags,
      problems,
    });
  if (fleet !== undefined) closing.add(fleet);
  const admin = await startAdmin(settings, {
    registry,
    sync,
    fleet,
    backups: createBackups(settings, store, registry),
    problems: () => [...problems(), ...(fleet?.problems() ?? [])],
    plane,
    extensions: createExtensionControl(() => models?.extensions(), plane.extensions),
    listeners: front,
    metrics,
    processes,
    phase,
    tags,
    closing,
    ...(gate !== undefined && { gate }),
  });
  listening.admin = admin;
  // A second time, to be the first that closes: nobody waits for a node that drains.
  if (fleet !== undefined) closing.add(fleet).changed();
  return { registry, models, base, admin, front, contents: () => (isMemoryStore(store) ? store.contents() : undefined) };
}

function isMemoryStore(store: Store | MemoryStore): store is MemoryStore {
  return 'contents' in store;
}

/** What a user could try, when the gateway runs with `debug`. */
export function tellWhatToTry(settings: Settings, { front, admin, registry, models }: Control): void {
  if (!settings.debug) return;
  const collection: HintSources['collection'] = models?.sample;
  const [proxyUrl = '', adminUrl] = [front, admin?.listeners].map((listeners) => listeners?.[0]?.address);
  for (const text of toHints({ proxyUrl, adminUrl, routes: registry.entities().route.values(), collection }))
    observe({ type: 'server.hint', text });
}
