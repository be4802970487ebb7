import type { Reloaded } from '../admin/types.ts';
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts';
import type { SourceOptions } from '../config/source.ts';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import { checkedInit } from './checked-init.ts';
import { createClosing } from './closing.ts';
import { type Control, startControl, tellWhatToTry } from './control.ts';
import { listenProxy } from './listeners.ts';
import { createLocalPlane, type LocalPlane } from './local-plane.ts';
import { createMetrics } from './metrics.ts';
import { planReload } from './reload-plan.ts';

/** A running gateway, whatever its processes are. */
export interface Gateway {
  /** See `ProcessControl`. */
  reload(): Promise<Reloaded>;
  upgrade(): void;
  /** Resolves when another process has taken over: then this one is to be closed. */
  readonly handedOver: Promise<void>;
  /** Stops taking requests, lets those under way finish within the grace, and closes everything. */
  close(reason: string): Promise<void>;
}

export interface GatewayOptions {
  readonly loaded: LoadedSettings;
  /** Where the configuration is read again. */
  readonly source: SourceOptions;
  readonly log: GatewayLog;
}

/** The log as far as a gateway changes it. */
export interface GatewayLog {
  /** Lines that were dropped. */
  dropped(): number;
  /** Goes on with these settings. */
  change(settings: LoadedSettings['settings']): void;
}

/** How far the gateway is, as the admin API tells it. */
export interface Life {
  phase: 'starting' | 'ready' | 'stopping';
}

/** Puts a gateway of one process together and starts it; rejects, with everything closed again, when a part cannot start. */
export async function startGateway({ loaded, source, log }: GatewayOptions): Promise<Gateway> {
  const startedAt = performance.now();
  const closing = createClosing();
  const life: Life = { phase: 'starting' };
  const { settings } = loaded;
  let plane: LocalPlane | undefined;
  const inFlight = (): number => plane?.inFlight() ?? 0;
  let control: Control | undefined;
  const reload = createLocalReload(loaded, source, log, () => control);
  const upgrade = (): void => {
    throw new SekishoError('RELOAD_REFUSED', 'one process does everything here (`workers: 0`): there is none that could hand over');
  };
  try {
    // First, so that it counts what happens while the rest starts.
    const metrics = settings.disableMetrics
      ? undefined
      : closing.add(
          createMetrics({
            version: VERSION,
            inFlight,
            extensionsWaiting: () => control?.models?.extensions()?.status().waiting ?? 0,
            logDropped: log.dropped,
          }),
        );
    control = await startControl({
      loaded,
      source,
      closing,
      openPlane: (models, bridge) => (plane = createLocalPlane(settings, { closing, bridge, fallback: models?.fallback })),
      async openFront() {
        if (plane === undefined) throw new SekishoError('NOT_READY', 'nothing is served yet');
        const front = await listenProxy(settings, plane.handle, plane.certificates);
        closing.add({ close: () => front.drain(settings.shutdownGraceMs) });
        return front.listeners;
      },
      metrics: metrics?.render,
      processes: { workers: () => [], wanted: () => 0, reload, upgrade, upgradeError: () => undefined },
      phase: () => life.phase,
    });
    life.phase = 'ready';
    observe({ type: 'server.ready', revision: control.registry.revision(), durationMs: performance.now() - startedAt });
    tellWhatToTry(settings, control);
  } catch (error) {
    await closing.close();
    throw error;
  }
  return {
    reload,
    upgrade,
    handedOver: new Promise(() => undefined),
    async close(reason) {
      life.phase = 'stopping';
      observe({ type: 'server.draining', reason, inFlight: inFlight() });
      await closing.close();
    },
  };
}

/** The reload of a gateway without workers: log, entities of the configuration and schema files; all else counts from the next start on. */
function createLocalReload(
  { settings: first }: LoadedSettings,
  source: SourceOptions,
  log: GatewayLog,
  control: () => Control | undefined,
): () => Promise<Reloaded> {
  let settings = first;
  return async () => {
    const startedAt = performance.now();
    const next = loadSettings(source).settings;
    const plan = planReload(settings, next, false);
    await control()?.base.replace(checkedInit(next.proxy.initResources));
    await control()?.models?.reload();
    settings = plan.settings;
    log.change(settings);
    const { changed, later } = plan;
    observe({ type: 'server.reloaded', changed, later, durationMs: performance.now() - startedAt });
    return { changed, later, replaced: 0 };
  };
}
