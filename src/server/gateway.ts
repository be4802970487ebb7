import { performance } from 'node:perf_hooks';
import { createAdminApi } from '../admin/admin-api.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { createFrontend, type Frontend } from '../http/frontend.ts';
import { createUpstreams } from '../http/upstreams.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { createProxy } from '../proxy/proxy.ts';
import { buildSnapshot, type SnapshotBuild } from '../proxy/snapshot.ts';
import { createModuleRuntime } from '../runtime/runtime.ts';
import { createRegistry, type Registry } from '../store/registry.ts';
import { createBaseLayer } from './base-layer.ts';
import { createBridge } from './bridge.ts';
import { createEchoServer } from './echo-server.ts';
import { createMetrics } from './metrics.ts';
import { openStore } from './open-store.ts';
import { readCertificate, toAdminOptions, toFrontendOptions, toProxyOptions, toRuntimeOptions, toSnapshotOptions, toUpstreamsOptions } from './options.ts';

export interface Gateway {
  /** Stops taking requests, lets those under way finish within the grace, and closes everything. */
  close(reason: string): Promise<void>;
}

/** Puts a gateway together and starts it; rejects, with everything closed again, when any part cannot start. */
export async function startGateway(loaded: LoadedSettings): Promise<Gateway> {
  const { settings } = loaded;
  const startedAt = performance.now();
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    const store = openStore(settings);
    closers.push(() => store.close());
    const upstreams = createUpstreams(toUpstreamsOptions(settings));
    closers.push(() => upstreams.close());
    let registry: Registry<SnapshotBuild>;
    const runtime = createModuleRuntime(toRuntimeOptions(settings, createBridge(() => registry)));
    closers.push(() => runtime.close());
    const proxy = createProxy(toProxyOptions(settings, upstreams));
    const metrics = settings.disableMetrics ? undefined : createMetrics({ version: VERSION, inFlight: () => proxy.inFlight });
    if (metrics !== undefined) closers.push(() => metrics.close());

    // Entities become a snapshot here, and only here: built before a change is stored, swapped in once it is.
    const snapshotOptions = toSnapshotOptions(settings, runtime);
    let served: SnapshotBuild | undefined;
    registry = await createRegistry<SnapshotBuild>({
      store,
      createDefaultNamespace: !settings.disableDefaultNamespace,
      build: (next) => buildSnapshot(next, served?.snapshot, snapshotOptions),
      discard: (built) => built.loaded.forEach((program) => program.release()),
      swap(built, revision, hash) {
        served = built;
        proxy.swap(built.snapshot);
        built.dropped.forEach((program) => program.release());
        observe({ type: 'snapshot.swapped', revision, hash, routes: built.snapshot.routes.size, buildMs: built.buildMs });
      },
    });
    closers.push(() => registry.close());
    const baseLayer = await createBaseLayer(loaded, registry);
    closers.push(() => baseLayer.close());

    const certificates = (servername: string) => served?.snapshot.certificates(servername);
    const frontend = await listenProxy(loaded, proxy.handle, certificates);
    closers.push(() => frontend.drain(settings.shutdownGraceMs));
    let phase: 'ready' | 'stopping' = 'ready';
    if (settings.admin !== undefined) {
      const admin = createAdminApi(toAdminOptions(settings, { state: registry, runtime, proxy, metrics, phase: () => phase }));
      closers.push(() => admin.close());
      const adminFrontend = await listenAdmin(settings.admin, admin.handle);
      closers.push(() => adminFrontend.drain(settings.shutdownGraceMs));
      if (settings.debug && settings.testServer !== undefined) {
        const echo = await createEchoServer(settings.testServer);
        closers.push(() => echo.close());
      }
    }
    observe({ type: 'server.ready', revision: registry.revision(), durationMs: performance.now() - startedAt });
    return {
      async close(reason) {
        phase = 'stopping';
        observe({ type: 'server.draining', reason, inFlight: proxy.inFlight });
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
