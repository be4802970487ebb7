import { createAdminApi } from '../admin/admin-api.ts';
import { assertSafeListen } from '../admin/safe-listen.ts';
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { SourceOptions } from '../config/source.ts';
import { createUpstreams } from '../http/upstreams.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { createProxy } from '../proxy/proxy.ts';
import { buildSnapshot, type SnapshotBuild } from '../proxy/snapshot.ts';
import { createModuleRuntime } from '../runtime/runtime.ts';
import { createRegistry, type Registry } from '../store/registry.ts';
import { createBaseLayer } from './base-layer.ts';
import { createBridge } from './bridge.ts';
import { certificateStatus } from './certificate-status.ts';
import { createClosing } from './closing.ts';
import { createEchoServer } from './echo-server.ts';
import { toHints } from './hints.ts';
import { listenAdmin, type Listening, listenProxy } from './listeners.ts';
import { createMetrics } from './metrics.ts';
import { openStore } from './open-store.ts';
import { toAdminOptions, toProxyOptions, toRuntimeOptions, toSnapshotOptions, toUpstreamsOptions } from './options.ts';

export interface Gateway {
  /** Stops taking requests, lets those under way finish within the grace, and closes everything. */
  close(reason: string): Promise<void>;
}

/** Puts a gateway together and starts it; rejects, with everything closed again, when a part cannot start. `source` is read again when watched files change. */
export async function startGateway({ settings, path }: LoadedSettings, source: SourceOptions): Promise<Gateway> {
  const startedAt = performance.now();
  if (settings.admin !== undefined) assertSafeListen(settings.admin.host, settings.admin.authMethod);
  const closing = createClosing();
  try {
    const store = closing.add(openStore(settings));
    const upstreams = closing.add(createUpstreams(toUpstreamsOptions(settings)));
    const bridge = createBridge(() => registry);
    const runtime = closing.add(createModuleRuntime(toRuntimeOptions(settings, bridge)));
    const proxy = createProxy(toProxyOptions(settings, upstreams));
    const metrics = settings.disableMetrics ? undefined : closing.add(createMetrics({ version: VERSION, inFlight: () => proxy.inFlight }));

    // Entities become a snapshot here and only here: built before a change is stored, served once it is.
    const snapshotOptions = toSnapshotOptions(settings, runtime);
    let served: SnapshotBuild | undefined;
    const registry: Registry = closing.add(
      await createRegistry<SnapshotBuild>({
        store,
        createDefaultNamespace: !settings.disableDefaultNamespace,
        base: settings.proxy.initResources?.changes ?? [],
        build: (next) => buildSnapshot(next, served?.snapshot, snapshotOptions),
        discard: ({ loaded }) => loaded.forEach((program) => program.release()),
        swap(built, revision, hash) {
          served = built;
          proxy.swap(built.snapshot);
          built.dropped.forEach((program) => program.release());
          observe({ type: 'snapshot.swapped', revision, hash, routes: built.snapshot.routes.size, buildMs: built.buildMs });
        },
      }),
    );
    closing.add(
      await createBaseLayer({
        first: settings.proxy.initResources,
        reload: () => loadSettings(source).settings.proxy.initResources,
        configPath: path.startsWith('$') ? undefined : path,
        watchFiles: settings.proxy.watchFiles,
        registry,
      }),
    );

    let phase: 'ready' | 'stopping' = 'ready';
    const frontend = await listenProxy(settings, proxy.handle, (name) => served?.snapshot.certificates(name));
    closing.add({ close: () => frontend.drain(settings.shutdownGraceMs) });
    let adminFrontend: Listening | undefined;
    if (settings.admin !== undefined) {
      const admin = closing.add(
        createAdminApi(
          toAdminOptions(settings, settings.admin, {
            state: registry,
            modules: runtime,
            metrics: metrics && (() => metrics.render()),
            phase: () => phase,
            explain: ({ host, method, path: target }) => proxy.explain(host, method, target),
            certificates: () => certificateStatus(registry.entities()),
            status: () => ({ listeners: [...frontend.listeners, ...(adminFrontend?.listeners ?? [])], workers: 1 }),
          }),
        ),
      );
      const listening = await listenAdmin(settings, settings.admin, admin.handle);
      adminFrontend = listening;
      closing.add({ close: () => listening.drain(settings.shutdownGraceMs) });
      if (settings.debug && settings.testServer !== undefined) {
        const echo = closing.add(await createEchoServer(settings.testServer));
        observe({
          type: 'server.listening',
          listener: 'echo server',
          address: `http://${settings.testServer.host || '0.0.0.0'}:${echo.port}`,
        });
      }
    }
    observe({ type: 'server.ready', revision: registry.revision(), durationMs: performance.now() - startedAt });
    if (settings.debug) {
      const [proxyUrl = '', adminUrl] = [frontend, adminFrontend].map((part) => part?.listeners[0]?.address);
      for (const text of toHints({ proxyUrl, adminUrl, routes: registry.entities().route.values() }))
        observe({ type: 'server.hint', text });
    }
    return {
      async close(reason) {
        phase = 'stopping';
        observe({ type: 'server.draining', reason, inFlight: proxy.inFlight });
        await closing.close();
      },
    };
  } catch (error) {
    await closing.close();
    throw error;
  }
}
