import { createAdminApi } from '../admin/admin-api.ts';
import { assertSafeListen } from '../admin/safe-listen.ts';
import type { AdminOptions, Phase } from '../admin/types.ts';
import type { Settings } from '../config/settings.ts';
import { toNodeEntities } from '../entity/node-entities.ts';
import { observe } from '../lib/event.ts';
import type { Registry } from '../store/registry.ts';
import type { AdminGate } from './admin-gate.ts';
import { certificateStatus } from './certificate-status.ts';
import type { Closing } from './closing.ts';
import { createEchoServer } from './echo-server.ts';
import type { StartedFleet } from './fleet.ts';
import { type Listening, listenAdmin } from './listeners.ts';
import { toAdminOptions } from './options.ts';
import type { Plane } from './plane.ts';
import type { StartedSync } from './sync.ts';

export interface AdminNeeds {
  readonly registry: Registry;
  readonly plane: Pick<Plane<never>, 'explain' | 'modules'>;
  readonly extensions: NonNullable<AdminOptions['extensions']>;
  readonly listeners: Listening['listeners'];
  readonly metrics: AdminOptions['metrics'];
  readonly processes?: NonNullable<AdminOptions['processes']>;
  /** Absent when nothing is delivered. */
  readonly sync?: StartedSync | undefined;
  /** Absent when the state is not shared. */
  readonly fleet?: StartedFleet | undefined;
  readonly backups: NonNullable<AdminOptions['backups']>;
  /** One sentence for each thing that is wrong though requests are served. */
  readonly problems: () => readonly string[];
  readonly phase: () => Phase;
  readonly tags: () => readonly string[];
  readonly closing: Closing;
  /** Listens already, and outlives this; absent: this listens. */
  readonly gate?: AdminGate;
}

/** The control plane: the admin API, and with `debug` the echo server to try things with. Undefined when the configuration has no `admin`. */
export async function startAdmin(settings: Settings, needs: AdminNeeds): Promise<Listening | undefined> {
  const { admin } = settings;
  if (admin === undefined) return undefined;
  const { plane, metrics, processes, phase, closing, registry, gate, sync, fleet, backups, problems } = needs;
  assertSafeListen(admin.host, admin.authMethod);
  const echoListeners: Listening['listeners'][number][] = [];
  const api = closing.add(
    createAdminApi(
      toAdminOptions(settings, admin, {
        state: registry,
        modules: plane.modules,
        extensions: needs.extensions,
        metrics,
        phase,
        ...(processes !== undefined && { processes }),
        ...(sync !== undefined && { sync: sync.control }),
        ...(fleet !== undefined && { cluster: fleet.control }),
        backups,
        problems,
        explain: plane.explain,
        certificates: () => certificateStatus(registry.entities()),
        status: () => ({
          listeners: [...needs.listeners, ...listening.listeners, ...echoListeners],
          leftOut: toNodeEntities(registry.entities(), needs.tags()).leftOut,
        }),
      }),
    ),
  );
  const listening: Listening = gate ?? (await listenAdmin(settings, admin, api.handle));
  gate?.serve(api.handle);
  closing.add({ close: () => (gate === undefined ? listening.drain(settings.shutdownGraceMs) : gate.serve(undefined)) });
  if (settings.debug && settings.testServer !== undefined) {
    const echo = closing.add(await createEchoServer(settings.testServer));
    const address = `http://${settings.testServer.host || '0.0.0.0'}:${echo.port}`;
    echoListeners.push({ name: 'echo server', address });
    observe({ type: 'server.listening', listener: 'echo server', address });
  }
  return listening;
}
