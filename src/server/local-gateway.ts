import type { Reloaded } from '../admin/types.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import type { Bridge } from '../runtime/types.ts';
import { parseSqliteConnection } from '../sql/connection-string.ts';
import type { MemoryContents } from '../store/memory-store.ts';
import { type AdminGate, createAdminGate } from './admin-gate.ts';
import { checkedInit } from './checked-init.ts';
import { type Closing, createClosing } from './closing.ts';
import { type Control, startControl } from './control.ts';
import { createExclusive } from './exclusive.ts';
import type { Gateway, GatewayOptions, Life } from './gateway.ts';
import {
  adminListeners,
  createProxyFront,
  type Listening,
  type ProxyFront,
  proxyListeners,
  tellListening,
  toAddress,
} from './listeners.ts';
import { createLocalPlane, type LocalPlane } from './local-plane.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { StartedModels } from './models.ts';
import { planReload } from './reload-plan.ts';
import { createSharedSockets } from './supervisor/shared-sockets.ts';
import { Tenure } from './tenure.ts';

/** Starts a gateway of one process; rejects, with everything closed again, when a part cannot start. */
export async function startLocalGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new LocalGateway(options);
  try {
    await gateway.start();
  } catch (error) {
    await gateway.closeAll();
    throw error;
  }
  return gateway;
}

class LocalGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #life: Life = { phase: 'starting' };
  readonly #exclusive = createExclusive(this.#life);
  readonly #tenure = new Tenure({ life: this.#life, open: (...how) => this.#openControl(...how) });
  /** What stays as long as the process: metrics, sockets, the listener of admin calls. */
  readonly #closing: Closing = createClosing();
  /** What requests under way need: they are finished here after another process has taken over. */
  readonly #serving: Closing = createClosing();
  readonly #sockets = createSharedSockets();
  #settings: Settings;
  #metrics: Metrics | undefined;
  #gate: AdminGate | undefined;
  #plane: LocalPlane | undefined;
  #front: ProxyFront | undefined;
  #models: StartedModels | undefined;
  /** Those that modules of this process were loaded with. */
  #entities: Pick<Bridge, 'getSecret' | 'getCollection'> | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#settings = options.loaded.settings;
  }

  get handedOver(): Promise<void> {
    return this.#tenure.handedOver;
  }

  async start(): Promise<void> {
    const { loaded, predecessor, log } = this.#options;
    const { settings } = loaded;
    // First, so that it counts what happens while the rest starts.
    if (!settings.disableMetrics)
      this.#metrics = this.#closing.add(
        createMetrics({
          version: VERSION,
          inFlight: () => this.#inFlight(),
          extensionsWaiting: () => this.#models?.extensions()?.status().waiting ?? 0,
          logDropped: log.dropped,
        }),
      );
    checkedInit(settings.proxy.initResources);
    this.#sockets.take((await predecessor?.sockets()) ?? []);
    this.#closing.add(this.#sockets);
    const admin = settings.admin === undefined ? [] : adminListeners(settings.admin);
    await this.#sockets.ensure([...proxyListeners(settings.proxy, () => undefined), ...admin], 1);
    if (settings.admin !== undefined) {
      const sockets = Map.groupBy(this.#sockets.all(), ({ listener }) => listener);
      const bound = new Map([...sockets].map(([listener, all]) => [listener, all.map(({ socket }) => socket)]));
      this.#gate = await createAdminGate(settings, settings.admin, bound);
    }
    await this.#tenure.begin(settings, predecessor);
  }

  /** Log, entities of the configuration and schema files; all else counts from the next start, or the next upgrade, on. */
  async reload(): Promise<Reloaded> {
    return await this.#exclusive.run(async () => {
      const startedAt = performance.now();
      const next = loadSettings(this.#options.source).settings;
      const plan = planReload(this.#settings, next, false);
      await this.#tenure.control?.base.replace(checkedInit(next.proxy.initResources));
      await this.#models?.reload();
      this.#settings = plan.settings;
      this.#options.log.change(plan.settings);
      const { changed, later } = plan;
      observe({ type: 'server.reloaded', changed, later, durationMs: performance.now() - startedAt });
      return { changed, later, replaced: 0 };
    });
  }

  upgrade(): void {
    assertLasting(this.#settings);
    const { upgradeTimeoutMs: timeoutMs } = this.#settings;
    this.#exclusive.upgrade(() => this.#tenure.handOver({ sockets: () => this.#sockets.all(), timeoutMs }));
  }

  async close(reason: string): Promise<void> {
    this.#life.phase = 'stopping';
    observe({ type: 'server.draining', reason, inFlight: this.#inFlight() });
    await this.closeAll();
  }

  /** Requests end before what they need. */
  async closeAll(): Promise<void> {
    const { shutdownGraceMs, workerIdleGraceMs } = this.#settings;
    this.#tenure.abort();
    await this.#gate?.drain(shutdownGraceMs);
    // Another process takes the connections: idle ones are not cut at once.
    if (this.#tenure.isHandedOver) await this.#front?.drain(shutdownGraceMs, Math.min(workerIdleGraceMs, shutdownGraceMs));
    await this.#tenure.close();
    await this.#serving.close();
    await this.#closing.close();
  }

  #inFlight(): number {
    return this.#plane?.inFlight() ?? 0;
  }

  /** The first time what serves is made for it; later it serves already. */
  async #openControl(closing: Closing, contents: MemoryContents | undefined): Promise<Control> {
    const { loaded, source } = this.#options;
    return await startControl({
      loaded: { ...loaded, settings: this.#settings },
      source,
      closing,
      serving: this.#serving,
      models: this.#models,
      contents,
      metrics: this.#metrics?.render,
      toShared: (own) => {
        this.#entities = own;
        this.#tenure.own(own);
        return this.#bridge();
      },
      openPlane: (models, bridge) => {
        this.#models = models;
        this.#plane ??= createLocalPlane(this.#settings, { closing: this.#serving, bridge, fallback: models?.fallback });
        return this.#plane;
      },
      openFront: () => this.#openFront(closing),
      processes: {
        workers: () => [],
        wanted: () => 0,
        reload: () => this.reload(),
        upgrade: () => this.upgrade(),
        upgradeError: () => this.#exclusive.upgradeError(),
      },
      phase: () => this.#life.phase,
      tags: () => this.#settings.tags,
      gate: this.#gate,
    });
  }

  async #openFront(closing: Closing): Promise<Listening['listeners']> {
    const plane = this.#plane;
    if (plane === undefined) throw new SekishoError('NOT_READY', 'nothing is served yet');
    const isFirst = this.#front === undefined;
    this.#front ??= createProxyFront(this.#settings, plane.handle, plane.certificates);
    const front = this.#front;
    // Before what its requests need; not when another process takes over, which serves only later.
    closing.add({ close: async () => void (this.#tenure.isReleased || (await front.drain(this.#settings.shutdownGraceMs, 0))) });
    const listeners = proxyListeners(this.#settings.proxy, plane.certificates);
    if (!isFirst) return listeners.map((each) => toAddress(each, this.#sockets.portOf(each.name)));
    for (const { listener, socket } of this.#sockets.all())
      if (listeners.some(({ name }) => name === listener)) await front.listen(listener, socket);
    return listeners.map((each) => tellListening(each, this.#sockets.portOf(each.name)));
  }

  #bridge(): Bridge {
    const entities = (): Pick<Bridge, 'getSecret' | 'getCollection'> => {
      if (this.#entities === undefined) throw new SekishoError('NOT_READY', 'the state is not there yet');
      return this.#entities;
    };
    return {
      getDocument: async (...call) => (await this.#tenure.state()).getDocument(...call),
      listDocuments: async (...call) => (await this.#tenure.state()).listDocuments(...call),
      putDocument: async (...call) => (await this.#tenure.state()).putDocument(...call),
      deleteDocument: async (...call) => (await this.#tenure.state()).deleteDocument(...call),
      putCollection: async (...call) => (await this.#tenure.state()).putCollection(...call),
      deleteCollection: async (...call) => (await this.#tenure.state()).deleteCollection(...call),
      getCollection: async (...call) => entities().getCollection(...call),
      getSecret: async (...call) => entities().getSecret(...call),
    };
  }
}

/** RELOAD_REFUSED when something that is to be kept lives in this process alone. */
function assertLasting({ schemas, database }: Settings): void {
  const isFleeting = schemas.length > 0 && database?.type === 'sqlite3' && parseSqliteConnection(database.connection) === ':memory:';
  if (!isFleeting) return;
  throw new SekishoError(
    'RELOAD_REFUSED',
    'the database of the models is in memory and ends with this process: give `database.connection` a file',
  );
}
