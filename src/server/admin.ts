import { createAdminApi } from '../admin/admin-api.ts';
import { assertSafeListen } from '../admin/safe-listen.ts';
import type { AdminOptions, Phase } from '../admin/types.ts';
import type { Settings } from '../config/settings.ts';
import type { SocketHandle } from '../http/listening-socket.ts';
import { observe } from '../lib/event.ts';
import type { Registry } from '../store/registry.ts';
import { certificateStatus } from './certificate-status.ts';
import type { Closing } from './closing.ts';
import { createEchoServer } from './echo-server.ts';
import { type Listening, listenAdmin } from './listeners.ts';
import { toAdminOptions } from './options.ts';
import type { Plane } from './plane.ts';
import type { StartedSync } from './sync.ts';

export interface AdminNeeds {
  readonly registry: Registry;
  readonly plane: Pick<Plane<never>, 'explain' | 'modules'>;
  readonly listeners: Listening['listeners'];
  readonly metrics: AdminOptions['metrics'];
  readonly processes?: NonNullable<AdminOptions['processes']>;
  /** Absent when nothing is delivered. */
  readonly sync?: StartedSync | undefined;
  readonly phase: () => Phase;
  readonly closing: Closing;
  /** Bound already, by listener; absent: bound here. */
  readonly sockets?: ReadonlyMap<string, readonly SocketHandle[]>;
}

/** The control plane: the admin API, and with `debug` the echo server to try things with. Undefined when the configuration has no `admin`. */
export async function startAdmin(settings: Settings, needs: AdminNeeds): Promise<Listening | undefined> {
  const { admin } = settings;
  if (admin === undefined) return undefined;
  const { plane, metrics, processes, phase, closing, registry, sockets, sync } = needs;
  assertSafeListen(admin.host, admin.authMethod);
  const echoListeners: Listening['listeners'][number][] = [];
  const api = closing.add(
    createAdminApi(
      toAdminOptions(settings, admin, {
        state: registry,
        modules: plane.modules,
        metrics,
        phase,
        ...(processes !== undefined && { processes }),
        ...(sync !== undefined && { sync: sync.control, problems: sync.problems }),
        explain: plane.explain,
        certificates: () => certificateStatus(registry.entities()),
        status: () => ({ listeners: [...needs.listeners, ...listening.listeners, ...echoListeners] }),
      }),
    ),
  );
  const listening = await listenAdmin(settings, admin, api.handle, sockets);
  closing.add({ close: () => listening.drain(settings.shutdownGraceMs) });
  if (settings.debug && settings.testServer !== undefined) {
    const echo = closing.add(await createEchoServer(settings.testServer));
    const address = `http://${settings.testServer.host || '0.0.0.0'}:${echo.port}`;
    echoListeners.push({ name: 'echo server', address });
    observe({ type: 'server.listening', listener: 'echo server', address });
  }
  return listening;
}
