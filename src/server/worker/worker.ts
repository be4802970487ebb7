import type { Settings } from '../../config/settings.ts';
import { emptyEntities } from '../../entity/entity-key.ts';
import type { Entities } from '../../entity/types.ts';
import type { SocketHandle } from '../../http/listening-socket.ts';
import { SekishoError } from '../../lib/errors.ts';
import { subscribe } from '../../lib/event.ts';
import { VERSION } from '../../lib/version.ts';
import type { SnapshotBuild } from '../../proxy/snapshot.ts';
import { type Closing, createClosing } from '../closing.ts';
import { applyDelta, type EntitiesDelta } from '../entities-delta.ts';
import { createProxyFront, type ProxyFront } from '../listeners.ts';
import { createLocalPlane, type LocalPlane } from '../local-plane.ts';
import { createLog } from '../log.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import type { ServedModels } from '../models.ts';
import { toLogOptions } from '../options.ts';
import { createPeer, type Handlers, type Peer } from '../peer.ts';
import { boundRegularExpressions, surviveBugs } from '../process-rules.ts';
import { secretsOf } from '../secrets-of.ts';
import type { SupervisorCalls, WorkerCalls, WorkerStart } from './calls.ts';
import { createWorkerBridge } from './worker-bridge.ts';

/** Everything of a worker that has started. */
interface Parts {
  readonly settings: Settings;
  readonly plane: LocalPlane;
  readonly front: ProxyFront;
  readonly metrics: Metrics;
  readonly models: ServedModels | undefined;
}

/** A change that is built and not served. */
interface Pending {
  readonly built: SnapshotBuild;
  readonly entities: Entities;
}

/** Serves what the supervisor at the other end of `port`'s channel says, until it is drained or the supervisor is gone. */
export function runWorker(port: NodeJS.Process): void {
  const worker = new Worker();
  const supervisor = createPeer<SupervisorCalls, WorkerCalls>(port, 'the supervisor', worker.handlers());
  worker.supervisor = supervisor;
  // A terminal or a service manager sends them to all processes; the supervisor tells what is to be done.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const) port.on(signal, () => undefined);
  port.on('SIGTERM', () => void supervisor.call('retire').catch(() => undefined));
  supervisor.onGone(() => void worker.end().finally(() => port.exit(0)));
}

class Worker {
  supervisor: Peer<SupervisorCalls> | undefined;
  readonly #closing: Closing = createClosing();
  readonly #pending = new Map<number, Pending>();
  #parts: Parts | undefined;
  #entities: Entities = emptyEntities();
  #isLoaded = false;
  #requests = 0;
  #ending: Promise<void> | undefined;

  handlers(): Handlers<WorkerCalls> {
    return {
      start: (start) => this.#start(start),
      listen: async (listener, socket) => await this.#listen(listener, socket),
      prepare: (ticket, delta) => this.#prepare(ticket, delta),
      commit: (ticket) => this.#commit(ticket),
      discard: (ticket) => this.#discard(ticket),
      prepareModels: (files) => this.#part('models').prepare(files),
      commitModels: () => this.#part('models').commit(),
      discardModels: () => this.#part('models').discard(),
      explain: (query) => this.#part('plane').explain(query),
      moduleStatus: () => this.#part('plane').programs(),
      releaseModule: (key) => this.#part('plane').modules.release(key),
      extensionStatus: () => this.#parts?.models?.extensions()?.status() ?? { environments: [], threads: [], waiting: 0 },
      releaseExtension: (environment) => this.#parts?.models?.extensions()?.release(environment) === true,
      metrics: () => this.#part('metrics').collect(),
      vitals: () => ({
        vitals: {
          requests: this.#requests,
          inFlight: this.#parts?.plane.inFlight() ?? 0,
          connections: this.#parts?.front.connections() ?? 0,
          rssBytes: process.memoryUsage.rss(),
        },
        grown: this.#parts?.metrics.collectGrown() ?? [],
      }),
      drain: async (graceMs, idleMs) => {
        const { front, metrics } = this.#all();
        await front.drain(graceMs, idleMs);
        const last = metrics.collect();
        await this.end();
        return last;
      },
    };
  }

  /** Closes everything; connections first, within the grace. */
  async end(): Promise<void> {
    const { settings, front } = this.#parts ?? {};
    this.#ending ??= (async () => {
      if (settings !== undefined)
        await front?.drain(settings.shutdownGraceMs, Math.min(settings.workerIdleGraceMs, settings.shutdownGraceMs));
      await this.#closing.close();
    })();
    await this.#ending;
  }

  async #start({ worker, settings, configPath, schemaFiles }: WorkerStart): Promise<void> {
    const closing = this.#closing;
    const options = toLogOptions(settings);
    const log = closing.add(createLog({ ...options, base: { ...options.base, worker }, sharesOutput: true }));
    surviveBugs();
    boundRegularExpressions();
    const metrics = closing.add(
      createMetrics({
        version: VERSION,
        inFlight: () => this.#parts?.plane.inFlight() ?? 0,
        extensionsWaiting: () => this.#parts?.models?.extensions()?.status().waiting ?? 0,
        logDropped: log.dropped,
      }),
    );
    closing.add({ close: subscribe((event) => void (event.type === 'request' && (this.#requests += 1))) });
    const bridge = createWorkerBridge(
      () => this.supervisor,
      () => this.#entities,
      settings.tags,
    );
    const models =
      schemaFiles === undefined
        ? undefined
        : await (await import('../models.ts')).serveModels(settings, configPath, closing, {
            schemaFiles,
            getSecret: secretsOf(settings, bridge, () => this.#isLoaded),
            memory: { call: async (name, args) => await this.supervisor?.call('extensionMemory', name, args) },
            onEvents: () => void this.supervisor?.call('eventsCommitted').catch(() => undefined),
          });
    const plane = createLocalPlane(settings, { closing, bridge, fallback: models?.fallback });
    const front = createProxyFront(settings, plane.handle, plane.certificates);
    this.#parts = { settings, plane, front, metrics, models };
  }

  async #listen(listener: string, socket: SocketHandle | undefined): Promise<void> {
    if (socket === undefined) throw new SekishoError('WORKER_FAILED', `the socket of ${listener} did not arrive`);
    await this.#part('front').listen(listener, socket);
  }

  async #prepare(ticket: number, delta: EntitiesDelta): Promise<void> {
    const entities = applyDelta(this.#entities, delta);
    this.#pending.set(ticket, { entities, built: await this.#part('plane').build(entities, undefined) });
  }

  #commit(ticket: number): void {
    const pending = this.#pending.get(ticket);
    if (pending === undefined) throw new SekishoError('INTERNAL', `nothing was prepared under ${ticket}`);
    this.#pending.delete(ticket);
    this.#entities = pending.entities;
    this.#isLoaded = true;
    void this.#part('plane').swap(pending.built, 0, '');
  }

  #discard(ticket: number): void {
    const pending = this.#pending.get(ticket);
    this.#pending.delete(ticket);
    if (pending !== undefined) this.#part('plane').discard(pending.built);
  }

  #all(): Parts {
    if (this.#parts === undefined) throw new SekishoError('NOT_READY', 'the worker has not started');
    return this.#parts;
  }

  #part<Name extends keyof Parts>(name: Name): NonNullable<Parts[Name]> {
    const part = this.#all()[name];
    if (part === undefined) throw new SekishoError('NOT_READY', `the worker has no ${name}`);
    return part;
  }
}
