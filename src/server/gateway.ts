import type { LoadedSettings } from '../config/load-settings.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { SourceOptions } from '../config/source.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import type { Registry } from '../store/registry.ts';
import { startAdmin } from './admin.ts';
import { createBaseLayer } from './base-layer.ts';
import { createBridge } from './bridge.ts';
import { createCertificateWatch } from './certificate-status.ts';
import { checkedInit } from './checked-init.ts';
import { createClosing } from './closing.ts';
import { type HintSources, toHints } from './hints.ts';
import { type Listening, listenProxy } from './listeners.ts';
import { createLocalPlane } from './local-plane.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { openStore } from './open-store.ts';
import { openSyncEtcd } from './open-sync-etcd.ts';
import { startState } from './state.ts';
import { needsSync, startSync } from './sync.ts';

export interface Gateway {
  /** Stops taking requests, lets those under way finish within the grace, and closes everything. */
  close(reason: string): Promise<void>;
}

export interface GatewayOptions {
  readonly loaded: LoadedSettings;
  /** Where the configuration is read again when watched files change. */
  readonly source: SourceOptions;
  readonly log: Pick<Log, 'dropped'>;
}

/** How far the gateway is, as the admin API tells it. */
export interface Life {
  phase: 'starting' | 'ready' | 'stopping';
}

/** Puts a gateway of one process together and starts it; rejects, with everything closed again, when a part cannot start. */
export async function startGateway({ loaded, source, log }: GatewayOptions): Promise<Gateway> {
  const { settings, path } = loaded;
  const startedAt = performance.now();
  const closing = createClosing();
  const life: Life = { phase: 'starting' };
  let inFlight = (): number => 0;
  try {
    // First, so that it counts what happens while the rest starts.
    const metrics = settings.disableMetrics
      ? undefined
      : closing.add(createMetrics({ version: VERSION, inFlight: () => inFlight(), logDropped: log.dropped }));
    const first = checkedInit(settings.proxy.initResources);
    const etcd = await openSyncEtcd(settings, closing);
    // Loaded only where there are models: a gateway that only proxies needs neither drivers nor validators.
    const models =
      settings.schemas.length === 0 ? undefined : await (await import('./models.ts')).startModels(settings, path, closing, etcd);
    const store = closing.add(await openStore(settings));
    const bridge = createBridge(() => registry, settings.tags);
    const plane = createLocalPlane(settings, { closing, bridge, fallback: models?.fallback });
    inFlight = plane.inFlight;
    const registry: Registry = await startState(settings, store, plane, closing);
    const reload = () => checkedInit(loadSettings(source).settings.proxy.initResources);
    const configPath = path.startsWith('$') ? undefined : path;
    closing.add(await createBaseLayer({ first, reload, configPath, watchFiles: settings.proxy.watchFiles, registry }));
    closing.add(createCertificateWatch(() => registry.entities()));
    const front = await listenProxy(settings, plane.handle, plane.certificates);
    closing.add({ close: () => front.drain(settings.shutdownGraceMs) });
    const sync = needsSync(settings) ? closing.add(await startSync(settings, etcd, models?.synced)) : undefined;
    const admin = await startAdmin(settings, {
      registry,
      sync,
      plane,
      listeners: front.listeners,
      metrics: metrics?.render,
      phase: () => life.phase,
      closing,
    });
    life.phase = 'ready';
    observe({ type: 'server.ready', revision: registry.revision(), durationMs: performance.now() - startedAt });
    if (settings.debug) tellWhatToTry(front.listeners, admin, registry, models?.sample);
  } catch (error) {
    await closing.close();
    throw error;
  }
  return {
    async close(reason) {
      life.phase = 'stopping';
      observe({ type: 'server.draining', reason, inFlight: inFlight() });
      await closing.close();
    },
  };
}

export function tellWhatToTry(
  listeners: Listening['listeners'],
  admin: Listening | undefined,
  registry: Registry,
  collection: HintSources['collection'],
): void {
  const proxyUrl = listeners[0]?.address ?? '';
  for (const text of toHints({
    proxyUrl,
    adminUrl: admin?.listeners[0]?.address,
    routes: registry.entities().route.values(),
    collection,
  }))
    observe({ type: 'server.hint', text });
}
