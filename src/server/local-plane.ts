import type { Settings } from '../config/settings.ts';
import { createUpstreams } from '../http/upstreams.ts';
import type { CertificateLookup } from '../proxy/certificates.ts';
import { createProxy, type Proxy } from '../proxy/proxy.ts';
import type { ProxyOptions } from '../proxy/proxy-options.ts';
import { buildSnapshot, type SnapshotBuild } from '../proxy/snapshot.ts';
import { createModuleRuntime } from '../runtime/runtime.ts';
import type { Bridge, ProgramStatus } from '../runtime/types.ts';
import type { Closing } from './closing.ts';
import { toProxyOptions, toRuntimeOptions, toSnapshotOptions, toUpstreamsOptions } from './options.ts';
import type { Plane } from './plane.ts';

/** A data plane in this process. */
export interface LocalPlane extends Plane<SnapshotBuild> {
  readonly handle: Proxy['handle'];
  readonly certificates: CertificateLookup;
  programs(): readonly ProgramStatus[];
}

export interface LocalPlaneParts {
  readonly closing: Closing;
  /** Where module code reaches the gateway's state. */
  readonly bridge: Bridge;
  /** Answers where no route has the path. */
  readonly fallback: ProxyOptions['fallback'];
}

/** Makes the parts that serve requests; it serves nothing until the first `swap`. This is where entities become a snapshot. */
export function createLocalPlane(settings: Settings, { closing, bridge, fallback }: LocalPlaneParts): LocalPlane {
  const upstreams = closing.add(createUpstreams(toUpstreamsOptions(settings)));
  const runtime = closing.add(createModuleRuntime(toRuntimeOptions(settings, bridge)));
  const proxy = createProxy({ ...toProxyOptions(settings, upstreams), ...(fallback !== undefined && { fallback }) });
  const snapshotOptions = toSnapshotOptions(settings, runtime);
  let served: SnapshotBuild | undefined;
  return {
    build: (next) => buildSnapshot(next, served?.snapshot, snapshotOptions),
    discard: ({ loaded }) => loaded.forEach((program) => program.release()),
    swap(built) {
      served = built;
      proxy.swap(built.snapshot);
      built.dropped.forEach((program) => program.release());
    },
    explain: ({ host, method, path }) => proxy.explain(host, method, path),
    modules: runtime,
    programs: () => runtime.status(),
    inFlight: () => proxy.inFlight,
    workers: () => [],
    handle: proxy.handle,
    certificates: (name) => served?.snapshot.certificates(name),
  };
}
