import type { WorkerView } from '../../admin/types.ts';
import { SekishoError, toSekishoError } from '../../lib/errors.ts';
import { observe } from '../../lib/event.ts';
import type { WorkerState } from '../../lib/worker-event.ts';
import type { ProcessSamples } from '../merge-samples.ts';
import { mergeSamples, onlyCounts, withGrown } from '../merge-samples.ts';
import type { MetricSample } from '../metric-series.ts';
import type { Handlers } from '../peer.ts';
import type { SupervisorCalls, WorkerStart } from '../worker/calls.ts';
import type { SharedSockets } from './shared-sockets.ts';
import { spawnWorker, type WorkerProcess } from './worker-process.ts';

export interface WorkersOptions {
  readonly sockets: SharedSockets;
  /** What a worker that starts now begins with. */
  readonly start: (worker: number) => WorkerStart;
  /** Brings a worker that has started to what is served now. */
  readonly join: (worker: WorkerProcess) => Promise<void>;
  readonly bridge: Omit<Handlers<SupervisorCalls>, 'retire'>;
}

/** The worker processes of a gateway: as many as there should be, replaced when they end, stall or grow. */
export interface Workers {
  /** Starts so many; rejects, with all of them ended, when one can't start. They take no connections before `listen`. */
  start(count: number): Promise<void>;
  /** Takes connections from now on. */
  listen(): Promise<void>;
  /** Replaces all of them by `count` that begin with what `start` gives now. Rejects when one does not come up; those that it was to replace serve on. */
  roll(count: number): Promise<number>;
  /** Those that have not ended. */
  processes(): readonly WorkerProcess[];
  view(revision: number): readonly WorkerView[];
  wanted(): number;
  byState(): ReadonlyMap<string, number>;
  /** The series of all of them, and the counts of those that ended. */
  metrics(): Promise<readonly ProcessSamples[]>;
  /** Resolves when a worker came up or ended, or after so long. */
  untilNews(timeoutMs: number): Promise<void>;
  lastFailure(): string;
  /** Ends all of them within the grace of their settings. With `isHandover` others take the connections: idle ones are not cut at once. */
  close(isHandover?: boolean): Promise<void>;
}

interface Slot {
  readonly worker: number;
  current: WorkerProcess | undefined;
  /** A process that is to become the current one is on its way. */
  coming: Promise<WorkerProcess> | undefined;
  restarts: number;
  /** Ends and failed starts since one last served for a while. */
  failures: number;
  lastEnd: string | undefined;
  retry: NodeJS.Timeout | undefined;
  /** Takes the connections that wait for this place. */
  standIn: WorkerProcess | undefined;
}

/** One that served so long is no part of a crash loop. */
const STEADY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 30_000;
/** A process that starts on a busy machine has its whole program to load before it can answer. */
const START_PATIENCE_MS = 60_000;
/** From this pause on, another worker takes the connections that wait for the one that does not come up. */
const ADOPTION_PAUSE_MS = 800;
const METRICS_PATIENCE_MS = 2000;
/** Beyond the grace, for closing what is left. */
const END_SLACK_MS = 5000;

export function createWorkers(options: WorkersOptions): Workers {
  return new WorkerPool(options);
}

class WorkerPool implements Workers {
  readonly #options: WorkersOptions;
  readonly #all = new Set<WorkerProcess>();
  #slots: Slot[] = [];
  #isListening = false;
  #isClosing = false;
  #isHandover = false;
  #watch: NodeJS.Timeout | undefined;
  #lastTick = 0;
  #retired: readonly MetricSample[] = [];
  #lastFailure = 'none has failed';
  readonly #waiters = new Set<() => void>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  async start(count: number): Promise<void> {
    this.#slots = Array.from({ length: count }, (_, at) => newSlot(at + 1));
    const { settings } = this.#options.start(1);
    const periodMs = Math.min(1000, settings.workerStallTimeoutMs / 4);
    this.#lastTick = Date.now();
    this.#watch = setInterval(() => this.#supervise(periodMs), periodMs);
    await Promise.all(this.#slots.map((slot) => this.#bring(slot)));
  }

  async listen(): Promise<void> {
    this.#isListening = true;
    await Promise.all(this.#slots.map(async ({ current }) => current && (await this.#open(current, this.#slots.length))));
    this.#news();
  }

  async roll(count: number): Promise<number> {
    const before = this.#slots.flatMap(({ current }) => current ?? []);
    const isSameCount = count === this.#slots.length;
    while (this.#slots.length < count) this.#slots.push(newSlot(this.#slots.length + 1));
    const slots = this.#slots.slice(0, count);
    const ended: Promise<void>[] = [];
    for (const slot of slots) {
      const old = slot.current;
      await this.#bring(slot, count);
      // With another count the sockets are dealt anew: nobody stops before all of them have their next owner.
      if (old !== undefined && isSameCount) ended.push(this.#retire(old, 'it is replaced'));
    }
    for (const slot of this.#slots.slice(count)) clearTimeout(slot.retry);
    this.#slots = slots;
    if (!isSameCount) for (const old of before) ended.push(this.#retire(old, 'it is replaced'));
    // Their last requests may take as long as the grace; nobody waits for that.
    for (const end of ended) end.catch(() => undefined);
    return before.length;
  }

  processes(): readonly WorkerProcess[] {
    return [...this.#all];
  }

  wanted(): number {
    return this.#slots.length;
  }

  lastFailure(): string {
    return this.#lastFailure;
  }

  view(revision: number): readonly WorkerView[] {
    const rows: WorkerView[] = [];
    const add = (slot: Slot | undefined, process: WorkerProcess | undefined, worker: number): void => {
      const { state = 'waiting' as const, vitals, startedAt = Date.now(), pid = 0, isLive = false } = process ?? {};
      rows.push({
        worker,
        pid,
        state: state === 'gone' ? 'waiting' : state,
        requests: vitals?.requests ?? 0,
        inFlight: vitals?.inFlight ?? 0,
        connections: vitals?.connections ?? 0,
        rssBytes: vitals?.rssBytes ?? 0,
        revision: isLive ? revision : 0,
        uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
        restarts: slot?.restarts ?? 0,
        ...(slot?.lastEnd !== undefined && { lastEnd: slot.lastEnd }),
      });
    };
    const shown = new Set<WorkerProcess>();
    for (const slot of this.#slots) {
      if (slot.current !== undefined) shown.add(slot.current);
      add(slot, slot.current, slot.worker);
    }
    for (const process of this.#all) if (!shown.has(process)) add(undefined, process, process.worker);
    return rows;
  }

  byState(): ReadonlyMap<string, number> {
    const counts = new Map(['starting', 'serving', 'draining', 'waiting'].map((state) => [state, 0]));
    for (const { state } of this.view(0)) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  async metrics(): Promise<readonly ProcessSamples[]> {
    const read = async (process: WorkerProcess): Promise<ProcessSamples> => {
      const late = delay(METRICS_PATIENCE_MS);
      // One that does not answer is told with what it last said: sums must not go back.
      const keep = (samples: readonly MetricSample[]): void => {
        if (process.state !== 'gone') process.samples = samples;
      };
      await Promise.race([process.peer.call('metrics').then(keep, () => undefined), late.promise]);
      late.cancel();
      return { process: `worker-${process.worker}`, samples: process.samples };
    };
    const current = new Set(this.#slots.map((slot) => slot.current));
    const live = await Promise.all(
      [...this.#all].map(async (process) => {
        const { process: name, samples } = await read(process);
        // One that is being replaced has the number of its successor.
        return { process: name, samples: current.has(process) ? samples : onlyCounts(samples) };
      }),
    );
    return [{ process: 'ended', samples: this.#retired }, ...live];
  }

  async untilNews(timeoutMs: number): Promise<void> {
    const late = delay(timeoutMs);
    const news = Promise.withResolvers<undefined>();
    const waiter = (): void => news.resolve(undefined);
    this.#waiters.add(waiter);
    await Promise.race([news.promise, late.promise]);
    this.#waiters.delete(waiter);
    late.cancel();
  }

  async close(isHandover = false): Promise<void> {
    this.#isClosing = true;
    this.#isHandover = isHandover;
    for (const slot of this.#slots) clearTimeout(slot.retry);
    await Promise.all([...this.#all].map((process) => this.#retire(process, 'the gateway ends')));
    clearInterval(this.#watch);
    this.#news();
  }

  /** Starts a process for the slot; it becomes the current one when it serves. */
  async #bring(slot: Slot, count = this.#slots.length): Promise<WorkerProcess> {
    const coming = this.#launch(slot, count);
    slot.coming = coming;
    try {
      slot.current = await coming;
      this.#news();
      return slot.current;
    } finally {
      if (slot.coming === coming) slot.coming = undefined;
    }
  }

  async #launch(slot: Slot, count: number): Promise<WorkerProcess> {
    const process = spawnWorker(slot.worker, (self) => ({
      ...this.#options.bridge,
      retire: () => void this.#replace(self(), 'it was asked to end'),
    }));
    this.#all.add(process);
    this.#tell(process, 'started');
    const ended = process.exited.then((how) => {
      this.#all.delete(process);
      this.#retired = mergeSamples([
        { process: '', samples: this.#retired },
        { process: '', samples: onlyCounts(process.samples) },
      ]);
      this.#onEnd(slot, process, how);
    });
    ended.catch(() => undefined);
    try {
      const start = this.#options.start(slot.worker);
      process.schemaFiles = start.schemaFiles;
      await process.peer.call('start', start);
      await this.#options.join(process);
      if (this.#isListening) await this.#open(process, count);
      return process;
    } catch (error) {
      process.isExpectedToEnd = true;
      process.kill('it could not start');
      const how = await process.exited;
      const known = toSekishoError(error);
      const failure =
        known.code === 'WORKER_CRASHED' ? new SekishoError('WORKER_FAILED', `worker ${slot.worker} did not start: ${how}`) : known;
      this.#lastFailure = failure.message;
      throw failure;
    }
  }

  async #open(process: WorkerProcess, count: number): Promise<void> {
    for (const { listener, socket } of this.#options.sockets.of(process.worker - 1, count))
      await process.peer.send(socket, 'listen', listener);
    process.state = 'serving';
    this.#tell(process, 'serving');
  }

  #onEnd(slot: Slot, process: WorkerProcess, how: string): void {
    if (!process.isExpectedToEnd) {
      slot.lastEnd = how;
      this.#lastFailure = `the last one: ${how}`;
    }
    if (slot.current === process) {
      slot.current = undefined;
      slot.restarts += process.isExpectedToEnd ? 0 : 1;
      if (Date.now() - process.startedAt > STEADY_MS) slot.failures = 0;
      this.#respawn(slot, process, how);
    } else this.#tell(process, process.isExpectedToEnd ? 'ended' : 'crashed', how);
    this.#news();
  }

  /** Brings the next one: at once after the first end, later and later in a row of them. */
  #respawn(slot: Slot, process: WorkerProcess, how: string): void {
    const isWanted = !this.#isClosing && this.#slots.includes(slot) && slot.coming === undefined;
    const pauseMs = slot.failures === 0 || process.isAtRisk ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (slot.failures - 1));
    this.#tell(process, process.isExpectedToEnd ? 'ended' : 'crashed', how, isWanted ? pauseMs : undefined);
    if (!isWanted) return;
    if (!process.isAtRisk) slot.failures += 1;
    this.#retryLater(slot, pauseMs);
  }

  #retryLater(slot: Slot, pauseMs: number): void {
    if (pauseMs >= ADOPTION_PAUSE_MS) this.#adopt(slot);
    const attempt = (): void => {
      if (this.#isClosing || slot.current !== undefined || slot.coming !== undefined || !this.#slots.includes(slot)) return;
      this.#bring(slot).catch((error: unknown) => {
        slot.failures += 1;
        slot.lastEnd = toSekishoError(error).message;
        observe({ type: 'error', error: toSekishoError(error), where: `worker ${slot.worker}` });
        this.#news();
        if (!this.#isClosing) this.#retryLater(slot, Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (slot.failures - 1)));
      });
    };
    clearTimeout(slot.retry);
    if (pauseMs === 0) attempt();
    else slot.retry = setTimeout(attempt, pauseMs);
  }

  /** Connections that the kernel gives to a worker that does not come up are taken by another. */
  #adopt(slot: Slot): void {
    const other = this.#slots.find(({ current }) => current?.state === 'serving')?.current;
    if (other === undefined || other === slot.standIn) return;
    slot.standIn = other;
    for (const { listener, socket } of this.#options.sockets.of(slot.worker - 1, this.#slots.length))
      other.peer.send(socket, 'listen', listener).catch(() => undefined);
  }

  /** A replacement first, then the end of the old one. */
  async #replace(process: WorkerProcess, reason: string): Promise<void> {
    const slot = this.#slots.find(({ current }) => current === process);
    if (slot === undefined || slot.coming !== undefined || this.#isClosing) return;
    try {
      await this.#bring(slot);
      await this.#retire(process, reason);
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: `worker ${process.worker} (it serves on)` });
    }
  }

  /** Lets it finish what it has within the grace, then it ends. */
  async #retire(process: WorkerProcess, reason: string): Promise<void> {
    if (process.isExpectedToEnd) return void (await process.exited);
    process.isExpectedToEnd = true;
    const { settings } = this.#options.start(process.worker);
    const { shutdownGraceMs, workerIdleGraceMs } = settings;
    const late = setTimeout(() => process.kill('it did not end within shutdown_grace'), shutdownGraceMs + END_SLACK_MS);
    try {
      if (process.state === 'serving') {
        process.state = 'draining';
        this.#tell(process, 'draining', reason);
        const idleMs = this.#isClosing && !this.#isHandover ? 0 : Math.min(workerIdleGraceMs, shutdownGraceMs);
        process.samples = await process.peer.call('drain', shutdownGraceMs, idleMs);
      }
      process.release();
    } catch {
      // It has ended, or ends now.
      process.kill('it could not be drained');
    }
    await process.exited;
    clearTimeout(late);
  }

  /** Asks each process how it is; one that has not answered in time is killed, one that has grown too large is replaced. */
  #supervise(periodMs: number): void {
    const now = Date.now();
    // This process itself was held up: answers may be waiting to be read.
    const isLate = now - this.#lastTick > periodMs * 3;
    this.#lastTick = now;
    const { workerMemoryLimitBytes, workerStallTimeoutMs } = this.#options.start(1).settings;
    for (const process of this.#all) {
      const timeoutMs = process.state === 'starting' ? Math.max(START_PATIENCE_MS, workerStallTimeoutMs) : workerStallTimeoutMs;
      if (isLate && process.askedAt !== undefined) process.askedAt = now;
      if (process.askedAt === undefined) this.#ask(process, workerMemoryLimitBytes);
      else if (now - process.askedAt > timeoutMs) {
        this.#tell(process, 'stalled', `it has not answered for ${now - process.askedAt} ms`);
        process.askedAt = now;
        process.kill('it stalled');
      }
    }
  }

  #ask(process: WorkerProcess, memoryLimitBytes: number): void {
    process.askedAt = Date.now();
    process.peer.call('vitals').then(
      ({ vitals, grown }) => {
        process.askedAt = undefined;
        process.vitals = vitals;
        process.samples = withGrown(process.samples, grown);
        if (vitals.rssBytes < memoryLimitBytes || process.state !== 'serving' || process.isExpectedToEnd) return;
        const slot = this.#slots.find(({ current }) => current === process);
        if (slot === undefined || slot.coming !== undefined || this.#isClosing) return;
        slot.restarts += 1;
        slot.lastEnd = `it held ${vitals.rssBytes} bytes; worker_memory_limit is ${memoryLimitBytes}`;
        this.#tell(process, 'full', slot.lastEnd);
        void this.#replace(process, slot.lastEnd);
      },
      () => undefined,
    );
  }

  #tell({ worker, pid }: WorkerProcess, state: WorkerState, reason?: string, pauseMs?: number): void {
    observe({
      type: 'worker.state',
      worker,
      pid,
      state,
      ...(reason !== undefined && { reason }),
      ...(pauseMs !== undefined && { pauseMs }),
    });
  }

  #news(): void {
    for (const waiter of this.#waiters) waiter();
  }
}

function newSlot(worker: number): Slot {
  return {
    worker,
    current: undefined,
    coming: undefined,
    restarts: 0,
    failures: 0,
    lastEnd: undefined,
    retry: undefined,
    standIn: undefined,
  };
}

function delay(ms: number): { readonly promise: Promise<undefined>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  return { promise, cancel: () => clearTimeout(timer) };
}
