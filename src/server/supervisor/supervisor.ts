import type { ProcessControl, Reloaded } from '../../admin/types.ts';
import { loadSettings } from '../../config/load-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { createExtensionMemory, type ExtensionMemory } from '../../extension/host/memory.ts';
import { observe } from '../../lib/event.ts';
import { VERSION } from '../../lib/version.ts';
import type { MemoryContents } from '../../store/memory-store.ts';
import { type AdminGate, createAdminGate } from '../admin-gate.ts';
import { checkedInit } from '../checked-init.ts';
import { type Closing, createClosing } from '../closing.ts';
import { type Control, startControl } from '../control.ts';
import { createExclusive } from '../exclusive.ts';
import { toMemoryOptions } from '../extension-options.ts';
import type { Gateway, GatewayOptions, Life } from '../gateway.ts';
import { adminListeners, proxyListeners, tellListening, toAddress } from '../listeners.ts';
import { mergeSamples } from '../merge-samples.ts';
import { renderSamples } from '../metric-series.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import type { StartedModels } from '../models.ts';
import { planReload } from '../reload-plan.ts';
import { Tenure } from '../tenure.ts';
import { toWorkerCount } from '../worker-count.ts';
import { toBridgeCalls } from './bridge-calls.ts';
import { createModelFollowers, serveFiles } from './model-followers.ts';
import { type BoundSocket, createSharedSockets, type SharedSockets } from './shared-sockets.ts';
import type { WorkerProcess } from './worker-process.ts';
import { createWorkers, type Workers } from './workers.ts';
import { createWorkersPlane, type WorkersPlane } from './workers-plane.ts';

/** Starts a gateway whose requests are served by workers; rejects, with everything closed again, when a part cannot start. */
export async function startSupervisor(options: GatewayOptions): Promise<Gateway> {
  const supervisor = new Supervisor(options);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.closeAll();
    throw error;
  }
  return supervisor;
}

/** Sockets of admin listeners: one is listened on here, the other is bound for the process that takes over. */
const ADMIN_SOCKETS = 2;

class Supervisor implements Gateway {
  readonly #options: GatewayOptions;
  readonly #life: Life = { phase: 'starting' };
  readonly #exclusive = createExclusive(this.#life);
  readonly #tenure = new Tenure({ life: this.#life, open: (...how) => this.#openControl(...how) });
  /** What stays as long as the process: metrics, sockets, the listener of admin calls, workers. */
  readonly #closing: Closing = createClosing();
  readonly #plane: WorkersPlane;
  readonly #workers: Workers;
  readonly #sockets: SharedSockets;
  readonly #adminSockets: SharedSockets;
  /** What extensions of all workers keep. */
  readonly #memory: ExtensionMemory;
  #settings: Settings;
  #metrics: Metrics | undefined;
  #gate: AdminGate | undefined;
  #models: StartedModels | undefined;
  #hasListened = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#settings = options.loaded.settings;
    this.#memory = createExtensionMemory(toMemoryOptions(this.#settings));
    this.#plane = createWorkersPlane(() => this.#workers);
    this.#sockets = createSharedSockets();
    this.#adminSockets = createSharedSockets();
    this.#workers = createWorkers({
      sockets: this.#sockets,
      start: (worker) => ({
        worker,
        settings: this.#settings,
        configPath: options.loaded.path,
        schemaFiles: this.#models?.files(),
      }),
      join: (worker) => this.#join(worker),
      bridge: {
        ...toBridgeCalls(() => this.#tenure.state()),
        eventsCommitted: () => this.#models?.tellEvents(),
        extensionMemory: (name, args) => this.#memory.call(name, args),
      },
    });
  }

  get handedOver(): Promise<void> {
    return this.#tenure.handedOver;
  }

  async start(): Promise<void> {
    const { loaded, predecessor, log } = this.#options;
    const { settings } = loaded;
    if (!settings.disableMetrics)
      this.#metrics = this.#closing.add(
        createMetrics({
          version: VERSION,
          logDropped: log.dropped,
          workers: () => this.#workers.byState(),
          extensionsWaiting: () => this.#models?.extensions()?.status().waiting ?? 0,
        }),
      );
    checkedInit(settings.proxy.initResources);
    const handed = (await predecessor?.sockets()) ?? [];
    const isAdmin = ({ listener }: BoundSocket): boolean => listener.startsWith('admin');
    this.#sockets.take(handed.filter((each) => !isAdmin(each)));
    this.#adminSockets.take(handed.filter(isAdmin));
    this.#closing.add(this.#sockets);
    this.#closing.add(this.#adminSockets);
    await this.#sockets.ensure(
      proxyListeners(settings.proxy, () => undefined),
      toWorkerCount(settings),
    );
    await this.#openGate(settings);
    await this.#tenure.begin(settings, predecessor);
  }

  async reload(): Promise<Reloaded> {
    return await this.#exclusive.run(async () => {
      const startedAt = performance.now();
      const next = loadSettings(this.#options.source).settings;
      const plan = planReload(this.#settings, next, true);
      const init = checkedInit(next.proxy.initResources);
      const before = this.#settings;
      // What can be wrong is looked at first: files of schemas, then entities, then all that a worker reads.
      await this.#models?.check();
      await this.#tenure.control?.base.replace(init);
      await this.#models?.reload();
      this.#settings = plan.settings;
      const count = toWorkerCount(plan.settings);
      let replaced: number;
      try {
        await this.#sockets.ensure(
          proxyListeners(plan.settings.proxy, () => undefined),
          count,
        );
        replaced = await this.#workers.roll(count);
      } catch (error) {
        this.#settings = before;
        throw error;
      }
      this.#options.log.change(plan.settings);
      const { changed, later } = plan;
      observe({ type: 'server.reloaded', changed, later, durationMs: performance.now() - startedAt });
      return { changed, later, replaced };
    });
  }

  upgrade(): void {
    const { upgradeTimeoutMs: timeoutMs } = this.#settings;
    const sockets = () => [...this.#sockets.all(), ...this.#adminSockets.of(1, ADMIN_SOCKETS)];
    this.#exclusive.upgrade(() => this.#tenure.handOver({ sockets, timeoutMs }));
  }

  async close(reason: string): Promise<void> {
    this.#life.phase = 'stopping';
    observe({ type: 'server.draining', reason, inFlight: this.#plane.inFlight() });
    await this.closeAll();
  }

  /** Requests end before what they need: admin calls, then workers, then the state. */
  async closeAll(): Promise<void> {
    const grace = this.#options.loaded.settings.shutdownGraceMs;
    await this.#gate?.drain(grace);
    this.#tenure.abort();
    await this.#workers.close(this.#tenure.isHandedOver);
    await this.#tenure.close();
    await this.#closing.close();
  }

  async #openGate(settings: Settings): Promise<void> {
    if (settings.admin === undefined) return;
    await this.#adminSockets.ensure(adminListeners(settings.admin), ADMIN_SOCKETS);
    const sockets = new Map(this.#adminSockets.of(0, ADMIN_SOCKETS).map(({ listener, socket }) => [listener, [socket]]));
    this.#gate = await createAdminGate(settings, settings.admin, sockets);
  }

  /** The first time workers are started for it; later they serve already. */
  async #openControl(closing: Closing, contents: MemoryContents | undefined): Promise<Control> {
    const { loaded, source } = this.#options;
    return await startControl({
      loaded: { ...loaded, settings: this.#settings },
      source,
      closing,
      contents,
      openPlane: async (models, bridge) => {
        this.#models = models;
        this.#tenure.own(bridge);
        if (!this.#hasListened) await this.#workers.start(toWorkerCount(this.#settings));
        else if (models !== undefined) await this.#serveModels(models);
        return this.#plane;
      },
      openFront: async () => {
        const listeners = proxyListeners(this.#settings.proxy, () => undefined);
        if (this.#hasListened) return listeners.map((each) => toAddress(each, this.#sockets.portOf(each.name)));
        this.#hasListened = true;
        await this.#workers.listen();
        return listeners.map((each) => tellListening(each, this.#sockets.portOf(each.name)));
      },
      metrics: this.#metrics && (() => this.#renderMetrics()),
      processes: this.#processes(),
      phase: () => this.#life.phase,
      tags: () => this.#settings.tags,
      followers: createModelFollowers(() => this.#workers.processes()),
      memory: this.#memory,
      gate: this.#gate,
    });
  }

  /** Workers that serve already take over the files as they were read now. */
  async #serveModels(models: StartedModels): Promise<void> {
    const live = this.#workers.processes().filter(({ isLive }) => isLive);
    await Promise.all(live.map((worker) => serveFiles(worker, models.files())));
  }

  /** Brings a worker to the entities and schemas that are served. Files that change before it takes part are seen to behind that, later ones by the change itself. */
  async #join(worker: WorkerProcess): Promise<void> {
    await this.#plane.join(worker);
    const files = this.#models?.files();
    if (files !== undefined) await serveFiles(worker, files);
  }

  #processes(): ProcessControl {
    return {
      workers: () => this.#plane.workers(),
      wanted: () => this.#workers.wanted(),
      reload: () => this.reload(),
      upgrade: () => this.upgrade(),
      upgradeError: () => this.#exclusive.upgradeError(),
    };
  }

  async #renderMetrics(): Promise<string> {
    const own = { process: 'supervisor', samples: this.#metrics?.collect() ?? [] };
    return renderSamples(mergeSamples([own, ...(await this.#workers.metrics())]));
  }
}
