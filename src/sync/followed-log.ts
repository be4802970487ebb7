import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { ChangeListener, ChangeSource, ChangeStream } from '../sql/change-source.ts';
import type { EventLog, LoggedEvent, ReadLimits } from '../sql/event-log.ts';
import { CommitQueue } from './commit-queue.ts';
import { backoffMs, pause } from './pause.ts';
import { createWake, type Wake } from './wake.ts';

export interface FollowedLogOptions {
  readonly log: EventLog;
  readonly source: ChangeSource;
  /** Rung when there is something to read. */
  readonly wake: Wake;
  /** Longest pause after a failure. */
  readonly backoffMs: number;
  /** Called when changes may have been missed that the log does not have either: what was delivered before may be of another history. */
  onGap(reason: string): void;
  /** More rows than these are not remembered: then the log is read in its own order until few are left. */
  readonly maxQueued?: number;
  /** How often it is made sure that the stream gives all. */
  readonly checkMs?: number;
}

export interface FollowedLogStatus {
  readonly source: ChangeSource['name'];
  /** False while the log is read in the order of its ids, because there is no stream (yet). */
  readonly isFollowing: boolean;
  readonly lastError: SekishoError | undefined;
}

/** The event log in the order of commits, as long as `run` runs. */
export interface FollowedLog extends Pick<EventLog, 'read' | 'remove' | 'find'> {
  /** Follows the source until the signal is aborted; never rejects. */
  run(lost: AbortSignal): Promise<void>;
  status(): FollowedLogStatus;
}

const MAX_QUEUED = 100_000;
const CHECK_MS = 60_000;
/** How soon a row that was told before it was seen is looked for again, and for how long. */
const SIGHT_MS = 5;
const UNSEEN_MS = 30_000;

/**
 * Reads the event log in the order that replication tells. Only ids come from there: the rows are read from the log, which loses none of them before it
 * is delivered. So a row that the source gives twice is
 * told to be gone as well, a source that was lost costs the order among resources and nothing else, and one that
 * is away is replaced by reading the log itself.
 */
export function createFollowedLog(options: FollowedLogOptions): FollowedLog {
  const follower = new Follower(options);
  const { log } = options;
  return {
    read: (limits, exceptPaths = []) => follower.read(limits, exceptPaths),
    find: (ids) => log.find(ids),
    async remove(ids) {
      await log.remove(ids);
      follower.drop(ids);
    },
    run: (lost) => follower.run(lost),
    status: () => follower.status(),
  };
}

class Follower {
  readonly #options: FollowedLogOptions;
  readonly #queue = new CommitQueue();
  readonly #maxQueued: number;
  readonly #checkMs: number;
  /** Rings when the stream ended, or when there may be nothing left that was not remembered. */
  readonly #check = createWake();
  /** `starting`: what is older than the stream is being found; `reading`: there is no stream, or too much to remember. */
  #mode: 'reading' | 'starting' | 'following' = 'reading';
  #stream: ChangeStream | undefined;
  /** Rows that were deleted since the log was looked at. */
  #gone: Set<number> | undefined;
  /** Since when the first row is told, but not seen. */
  #unseenSince: number | undefined;
  /** How often rows were told and forgotten since the stream told all. */
  #forgotten = 0;
  /** Why the stream has to begin anew. */
  #stuck: string | undefined;
  #lastError: SekishoError | undefined;

  constructor(options: FollowedLogOptions) {
    this.#options = options;
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED;
    this.#checkMs = options.checkMs ?? CHECK_MS;
  }

  status(): FollowedLogStatus {
    return { source: this.#options.source.name, isFollowing: this.#mode === 'following', lastError: this.#lastError };
  }

  async run(lost: AbortSignal): Promise<void> {
    const { source } = this.#options;
    await this.#followAgain(lost);
    this.#lastError = undefined;
    observe({ type: 'sync.source', source: source.name, state: 'ended' });
  }

  async #followAgain(lost: AbortSignal): Promise<void> {
    const { source } = this.#options;
    for (let failures = 1; !lost.aborted; failures += 1) {
      const startedAt = performance.now();
      try {
        await this.#follow(lost);
      } catch (error) {
        if (lost.aborted) return;
        this.#lastError = toSourceError(error, source);
        // One that worked for a while begins with the shortest pause.
        if (performance.now() - startedAt > this.#checkMs) failures = 1;
        const pauseMs = backoffMs(failures, this.#options.backoffMs);
        observe({ type: 'sync.source', source: source.name, state: 'lost', error: this.#lastError, pauseMs });
        await pause(pauseMs, lost);
      }
    }
  }

  async read(limits: ReadLimits, exceptPaths: readonly string[]): Promise<readonly LoggedEvent[]> {
    if (this.#mode === 'starting') return [];
    if (this.#mode === 'following') return await this.#next(limits, new Set(exceptPaths));
    const rows = await this.#options.log.read(limits, exceptPaths);
    if (rows.length === 0 && this.#stream !== undefined) this.#check.ring();
    return rows;
  }

  drop(ids: readonly number[]): void {
    this.#leave(ids);
    this.#acknowledge();
  }

  #leave(ids: readonly number[]): void {
    this.#queue.drop(ids);
    for (const id of ids) this.#gone?.add(id);
  }

  async #follow(lost: AbortSignal): Promise<void> {
    const { source, onGap, wake } = this.#options;
    this.#queue.clear();
    this.#stuck = undefined;
    this.#forgotten = 0;
    const stream = await source.open(this.#listener(), lost);
    this.#stream = stream;
    let end: { readonly reason: unknown } | undefined;
    const watched = stream.ended.then((reason) => {
      end = { reason };
      this.#check.ring();
    });
    // Whatever waits for the stream fails then.
    const close = (): void => void stream.close();
    lost.addEventListener('abort', close, { once: true });
    try {
      lost.throwIfAborted();
      if (stream.gap !== undefined) {
        observe({ type: 'sync.source', source: source.name, state: 'gap', reason: stream.gap });
        onGap(stream.gap);
      }
      this.#mode = 'starting';
      await this.#gather(stream);
      this.#lastError = undefined;
      observe({ type: 'sync.source', source: source.name, state: 'following' });
      while (!lost.aborted) {
        await this.#check.wait(this.#checkMs, lost);
        if (lost.aborted) return;
        if (end !== undefined) throw end.reason;
        await this.#gather(stream);
      }
    } finally {
      this.#mode = 'reading';
      this.#stream = undefined;
      wake.ring();
      lost.removeEventListener('abort', close);
      await stream.close();
      await watched;
    }
  }

  #listener(): ChangeListener {
    return {
      onTruncate: () => this.#queue.clear(),
      onCommit: (rows, deleted, position) => {
        // The next stream gives it again.
        if (this.#stuck !== undefined) return;
        if (rows.length > 0) this.#queue.add(rows, position);
        else this.#queue.seen(position);
        this.#leave(deleted);
        if (this.#queue.size > this.#maxQueued) this.#forget();
        this.#options.wake.ring();
      },
      onPosition: (position) => {
        if (this.#stuck !== undefined) return;
        this.#queue.seen(position);
        if (this.#queue.done === position) this.#stream?.acknowledge(position, false);
      },
    };
  }

  /** Finds what waits in the log though the stream does not tell of it. */
  async #gather(stream: ChangeStream): Promise<void> {
    if (this.#stuck !== undefined) throw new SekishoError('SYNC_SOURCE', `sync_source ${this.#options.source.name}: ${this.#stuck}`);
    const forgotten = this.#forgotten;
    // What was told and forgotten can be seen after that, and so it is found.
    if (forgotten > 0) await stream.catchUp();
    const gone = new Set<number>();
    this.#gone = gone;
    const older = await this.#options.log.ids(this.#maxQueued + 1);
    if (older.length > this.#maxQueued) {
      this.#mode = 'reading';
      return;
    }
    await stream.catchUp();
    this.#gone = undefined;
    this.#queue.prepend(older.filter(({ id }) => !gone.has(id)));
    if (this.#stuck === undefined && this.#forgotten === forgotten && this.#queue.size <= this.#maxQueued) {
      this.#forgotten = 0;
      this.#mode = 'following';
    }
    this.#options.wake.ring();
  }

  /** The first rows, up to the first one that is told but cannot be seen yet: what follows may belong to the same resource. */
  async #next(limits: ReadLimits, except: ReadonlySet<string>): Promise<readonly LoggedEvent[]> {
    this.#queue.unpark(except);
    for (;;) {
      const ids = this.#queue.head(limits);
      if (ids.length === 0) return [];
      const rows = new Map((await this.#options.log.find(ids)).map((row) => [row.id, row]));
      const unseen = ids.findIndex((id) => !rows.has(id));
      const due: LoggedEvent[] = [];
      for (const id of unseen < 0 ? ids : ids.slice(0, unseen)) {
        const row = rows.get(id);
        if (row === undefined) continue;
        if (except.has(row.path)) this.#queue.park(id, row.path);
        else due.push(row);
      }
      this.#acknowledge();
      if (unseen !== 0) this.#unseenSince = undefined;
      if (due.length > 0) return due;
      if (unseen === 0) return await this.#awaitSight();
    }
  }

  /** Nothing for now. A row that is not seen for long, though nobody tells that it was deleted, ends the stream: the log is read then. */
  async #awaitSight(): Promise<readonly LoggedEvent[]> {
    const now = performance.now();
    this.#unseenSince ??= now;
    if (now - this.#unseenSince > UNSEEN_MS) {
      this.#unseenSince = undefined;
      this.#stuck = 'it tells of a row that is not in the event log';
      this.#forget();
      this.#check.ring();
    }
    await sleep(SIGHT_MS);
    this.#options.wake.ring();
    return [];
  }

  /** The log has them all. */
  #forget(): void {
    this.#forgotten += 1;
    this.#mode = 'reading';
    this.#queue.clear();
  }

  #acknowledge(): void {
    if (this.#queue.done !== undefined) this.#stream?.acknowledge(this.#queue.done, true);
  }
}

/** A connection that breaks, or a server that goes away, is none of our bugs. */
function toSourceError(error: unknown, { name }: ChangeSource): SekishoError {
  if (error instanceof SekishoError) return error;
  return new SekishoError('SYNC_SOURCE', `sync_source ${name}: the stream ended: ${(error as Error).message}`, { cause: error });
}
