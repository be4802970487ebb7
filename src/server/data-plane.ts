import type { Settings } from '../config/settings.ts';
import { createUpstreams } from '../http/upstreams.ts';
import { observe } from '../lib/event.ts';
import type { CertificateLookup } from '../proxy/certificates.ts';
import { createProxy, type Proxy } from '../proxy/proxy.ts';
import type { ProxyOptions } from '../proxy/proxy-options.ts';
import { buildSnapshot, type SnapshotBuild } from '../proxy/snapshot.ts';
import { createModuleRuntime } from '../runtime/runtime.ts';
import type { ModuleRuntime } from '../runtime/types.ts';
import { createRegistry, type Registry } from '../store/registry.ts';
import { createBridge } from './bridge.ts';
import type { Closing } from './closing.ts';
import { openStore } from './open-store.ts';
import { toProxyOptions, toRuntimeOptions, toSnapshotOptions, toUpstreamsOptions } from './options.ts';

/** Everything that serves requests, and the state that it serves from. */
export interface DataPlane {
  readonly registry: Registry;
  readonly runtime: ModuleRuntime;
  readonly proxy: Proxy;
  readonly certificates: CertificateLookup;
}

/** Opens the store and serves its entities; `fallback` answers where no route has the path. This is where entities become a snapshot: built before a change is stored, swapped in once it is. */
export async function startDataPlane(settings: Settings, closing: Closing, fallback: ProxyOptions['fallback']): Promise<DataPlane> {
  const store = closing.add(await openStore(settings));
  const upstreams = closing.add(createUpstreams(toUpstreamsOptions(settings)));
  const bridge = createBridge(() => registry);
  const runtime = closing.add(createModuleRuntime(toRuntimeOptions(settings, bridge)));
  const proxy = createProxy({ ...toProxyOptions(settings, upstreams), ...(fallback !== undefined && { fallback }) });
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
  return { registry, runtime, proxy, certificates: (name) => served?.snapshot.certificates(name) };
}
