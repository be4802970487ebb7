import { createAdminApi } from '../admin/admin-api.ts';
import { assertSafeListen } from '../admin/safe-listen.ts';
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { SourceOptions } from '../config/source.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { createBaseLayer } from './base-layer.ts';
import { certificateStatus, createCertificateWatch } from './certificate-status.ts';
import { checkedInit } from './checked-init.ts';
import { type Closing, createClosing } from './closing.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';
import { createEchoServer } from './echo-server.ts';
import { type HintSources, toHints } from './hints.ts';
import { type Listening, listenAdmin, listenProxy } from './listeners.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { toAdminOptions } from './options.ts';

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
interface Life {
  phase: 'starting' | 'ready' | 'stopping';
}

/** Puts a gateway together and starts it; rejects, with everything closed again, when a part cannot start. */
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
    // Loaded only where there are models: a gateway that only proxies needs neither drivers nor validators.
    const models = settings.schemas.length === 0 ? undefined : await (await import('./models.ts')).startModels(settings, path, closing);
    const plane = await startDataPlane(settings, closing, models?.fallback);
    const { registry, proxy } = plane;
    inFlight = () => proxy.inFlight;
    const reload = () => checkedInit(loadSettings(source).settings.proxy.initResources);
    closing.add(
      await createBaseLayer({
        first,
        reload,
        configPath: path.startsWith('$') ? undefined : path,
        watchFiles: settings.proxy.watchFiles,
        registry,
      }),
    );
    closing.add(createCertificateWatch(() => registry.entities()));
    const front = await listenProxy(settings, proxy.handle, plane.certificates);
    closing.add({ close: () => front.drain(settings.shutdownGraceMs) });
    const admin = settings.admin && (await startAdmin(settings, settings.admin, { plane, front, metrics, life, closing }));
    life.phase = 'ready';
    observe({ type: 'server.ready', revision: registry.revision(), durationMs: performance.now() - startedAt });
    if (settings.debug) tellWhatToTry(front, admin, plane, models?.sample);
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

interface AdminNeeds {
  readonly plane: DataPlane;
  readonly front: Listening;
  readonly metrics: Metrics | undefined;
  readonly life: Life;
  readonly closing: Closing;
}

/** The control plane: the admin API, and with `debug` the echo server to try things with. */
async function startAdmin(settings: Settings, admin: NonNullable<Settings['admin']>, needs: AdminNeeds): Promise<Listening> {
  const { plane, front, metrics, life, closing } = needs;
  assertSafeListen(admin.host, admin.authMethod);
  const echoListeners: Listening['listeners'][number][] = [];
  const api = closing.add(
    createAdminApi(
      toAdminOptions(settings, admin, {
        state: plane.registry,
        modules: plane.runtime,
        metrics: metrics && (() => metrics.render()),
        phase: () => life.phase,
        explain: ({ host, method, path }) => plane.proxy.explain(host, method, path),
        certificates: () => certificateStatus(plane.registry.entities()),
        status: () => ({ listeners: [...front.listeners, ...listening.listeners, ...echoListeners], workers: 1 }),
      }),
    ),
  );
  const listening = await listenAdmin(settings, admin, api.handle);
  closing.add({ close: () => listening.drain(settings.shutdownGraceMs) });
  if (settings.debug && settings.testServer !== undefined) {
    const echo = closing.add(await createEchoServer(settings.testServer));
    const address = `http://${settings.testServer.host || '0.0.0.0'}:${echo.port}`;
    echoListeners.push({ name: 'echo server', address });
    observe({ type: 'server.listening', listener: 'echo server', address });
  }
  return listening;
}

function tellWhatToTry(
  front: Listening,
  admin: Listening | undefined,
  { registry }: DataPlane,
  collection: HintSources['collection'],
): void {
  const [proxyUrl = '', adminUrl] = [front, admin].map((part) => part?.listeners[0]?.address);
  for (const text of toHints({ proxyUrl, adminUrl, routes: registry.entities().route.values(), collection }))
    observe({ type: 'server.hint', text });
}
