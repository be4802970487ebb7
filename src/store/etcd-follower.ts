import type { Etcd, KeyValue, RangeResult, Watch, WatchEvent } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { Entry, EtcdMirror, Taken } from './etcd-mirror.ts';
import { type PartsBody, readParts } from './etcd-parts.ts';
import { type EtcdPosition, parseStateValue } from './etcd-state.ts';
import type { EtcdTurns } from './etcd-turns.ts';
import type { StoreUpdate } from './types.ts';

export interface FollowerOptions {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly mirror: EtcdMirror;
  /** Fingerprint of our encryption key. */
  readonly key: string;
  readonly relistMs: number | undefined;
  readonly turns: Pick<EtcdTurns, 'onList' | 'onEvents'>;
  onUpdate(update: StoreUpdate): void;
  /** The first state was read of a mirror that was empty. */
  onLoaded(position: EtcdPosition): void;
  onConnected(isConnected: boolean, reason: string | undefined): void;
}

/** Keeps a mirror at what is stored, and turns what etcd tells into updates. */
export interface EtcdFollower {
  /** Settles when what is stored was read for the first time. */
  readonly ready: Promise<void>;
  /** Why what is stored can't be used, when it can't. */
  readonly problem: SekishoError | undefined;
  /** The body of the change that is pending at the mirror's position. */
  readonly pending: PartsBody | undefined;
  /** Takes over a change of this node, unless the watch was faster. */
  take(own: OwnChange): void;
  /** Resolves when the mirror is not at `position` any more; rejects when the signal aborts. */
  leaves(position: EtcdPosition, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface OwnChange {
  /** What the change was planned on, and what it leads to. */
  readonly from: EtcdPosition;
  readonly to: EtcdPosition;
  readonly values: ReadonlyMap<string, string | undefined>;
  /** One for each revision; none for what only tidies up. */
  readonly updates: readonly StoreUpdate[];
  readonly pending: PartsBody | undefined;
}

/** Begins to follow. A mirror that holds something already is compared with what is stored. */
export function createEtcdFollower(options: FollowerOptions): EtcdFollower {
  const follower = new Follower(options);
  follower.start();
  return follower;
}

class Follower implements EtcdFollower {
  problem: SekishoError | undefined;
  pending: PartsBody | undefined;
  readonly #options: FollowerOptions;
  readonly #waiting = new Set<() => void>();
  readonly #ready = Promise.withResolvers<void>();
  #watch: Watch | undefined;
  #isLoaded: boolean;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#isLoaded = options.mirror.position.revision > 0;
    this.#ready.promise.catch(() => undefined);
  }

  start(): void {
    const { etcd, layout, relistMs } = this.#options;
    this.#watch = etcd.watch({
      prefix: layout.followed,
      ...(relistMs !== undefined && { relistMs }),
      onList: (list) => this.#tellProblem(() => this.#onList(list)),
      onEvents: (events) => this.#tellProblem(() => this.#onEvents(events)),
      onConnected: (isConnected, reason) => this.#options.onConnected(isConnected, this.problem?.message ?? reason),
    });
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  take({ from, to, values, updates, pending }: OwnChange): void {
    const { mirror } = this.#options;
    if (mirror.position !== from) return;
    mirror.add(
      to,
      [...values].map(([key, value]) => ({ key, value, modRevision: to.modRevision })),
    );
    this.pending = pending;
    for (const update of updates) this.#options.onUpdate(update);
    this.#wake();
  }

  leaves(position: EtcdPosition, signal: AbortSignal): Promise<void> {
    const { mirror } = this.#options;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (mirror.position === position && !signal.aborted) return;
        this.#waiting.delete(check);
        signal.removeEventListener('abort', check);
        if (mirror.position === position) reject(signal.reason as Error);
        else resolve();
      };
      this.#waiting.add(check);
      signal.addEventListener('abort', check);
      check();
    });
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#ready.reject(new SekishoError('STORE_FAILED', 'the store is closed'));
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  /** A state that can't be used is told, and asked for again by the watch, which takes every failure for a cut. */
  async #tellProblem(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = undefined;
    } catch (error) {
      this.problem = error instanceof SekishoError && error.code.startsWith('STORE_') ? error : undefined;
      throw error;
    }
  }

  async #onList(list: RangeResult): Promise<void> {
    const { layout, mirror, turns } = this.#options;
    const before = mirror.position;
    // A list that was asked for before our own last change knows less than we do; one of a cluster that was restored does too.
    const isOld = list.revision < before.modRevision;
    if (isOld && !(await this.#isRestored(before))) return;
    const [ofTurns, ofState] = partition(list.kvs, ({ key }) => key.startsWith(layout.turns));
    turns.onList(ofTurns);
    const stateKey = ofState.find(({ key }) => key === layout.state);
    if (stateKey === undefined) this.#checkEmpty(before);
    else {
      const next = this.#parse(stateKey);
      const pending = await this.#bodyOf(next);
      if (mirror.position !== before) return;
      const entries = ofState.filter((kv) => kv !== stateKey).map(toEntry);
      const taken = mirror.replace(next, withPending(entries, pending, next));
      this.pending = pending;
      this.#publish(before, next, taken);
    }
    this.#isLoaded = true;
    this.#ready.resolve();
  }

  async #onEvents(events: readonly WatchEvent[]): Promise<void> {
    const { layout, turns } = this.#options;
    const [ofTurns, ofState] = partition(events, ({ kv }) => kv.key.startsWith(layout.turns));
    for (const group of Map.groupBy(ofState, ({ kv }) => kv.modRevision).values()) await this.#onRevision(group);
    turns.onEvents(ofTurns);
  }

  /** Takes over what happened at one revision of etcd, which is one transaction. */
  async #onRevision(events: readonly WatchEvent[]): Promise<void> {
    const { layout, mirror } = this.#options;
    const before = mirror.position;
    const revision = events[0]?.kv.modRevision ?? 0;
    if (revision <= before.modRevision) return;
    const state = events.find(({ kv }) => kv.key === layout.state);
    if (state?.type === 'delete') return this.#checkEmpty(before);
    const next = state === undefined ? before : this.#parse(state.kv);
    const pending = await this.#bodyOf(next);
    if (mirror.position !== before) return await this.#onRevision(events);
    const entries = events
      .filter((event) => event !== state)
      .map(({ type, kv }) => (type === 'delete' ? { ...toEntry(kv), value: undefined } : toEntry(kv)));
    const taken = mirror.add(next, next === before ? entries : withPending(entries, pending, next));
    this.pending = pending;
    this.#publish(before, next, taken);
  }

  #publish(before: EtcdPosition, next: EtcdPosition, { changes, isNews }: Taken): void {
    const { onUpdate, onLoaded } = this.#options;
    const update = { revision: next.revision, hash: next.hash, changes };
    const reason = toResetReason(before, next);
    if (!this.#isLoaded) onLoaded(next);
    else if (reason === undefined) onUpdate(update);
    else if (isNews || next.hash !== before.hash || next.revision !== before.revision) {
      observe({ type: 'store.reset', from: before.revision, to: next.revision, reason });
      onUpdate({ ...update, isReset: true });
    }
    this.#wake();
  }

  #parse({ value, modRevision }: KeyValue): EtcdPosition {
    const position = parseStateValue(value.toString(), modRevision);
    if (position.key === this.#options.key) return position;
    throw new SekishoError(
      'STORE_KEY',
      'storage.encryption_key is not the one that the store in etcd was written with; all nodes need the same key',
    );
  }

  async #bodyOf({ pending, revision }: EtcdPosition): Promise<PartsBody | undefined> {
    if (pending === undefined) return undefined;
    const { etcd, layout, mirror } = this.#options;
    if (mirror.position.pending?.change === pending.change && this.pending !== undefined) return this.pending;
    return await readParts({ etcd, layout, revision, change: pending.change }, pending.parts);
  }

  async #isRestored({ modRevision }: EtcdPosition): Promise<boolean> {
    const { etcd, layout } = this.#options;
    return (await etcd.range({ key: layout.state, countOnly: true })).revision < modRevision;
  }

  /** Everything gone at once is a mishap, not a change: what is known is served on. */
  #checkEmpty({ revision }: EtcdPosition): void {
    if (revision === 0) return;
    throw new SekishoError(
      'STORE_FAILED',
      `etcd holds nothing beneath storage.prefix, though this node knows revision ${revision}: restore etcd, or, to begin anew, stop the nodes and remove the last good state in storage.dir`,
    );
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}

function toEntry({ key, value, modRevision }: KeyValue): Entry {
  return { key, value: value.toString(), modRevision };
}

/** The entries as they will be once the pending change has all of its entities at their keys. */
function withPending(entries: readonly Entry[], pending: PartsBody | undefined, { modRevision }: EtcdPosition): readonly Entry[] {
  if (pending === undefined) return entries;
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  for (const [key, value] of pending.values) byKey.set(key, { key, value: value ?? undefined, modRevision });
  return [...byKey.values()];
}

/** Why `next` is no continuation of `before`; undefined when it is one. */
function toResetReason(before: EtcdPosition, next: EtcdPosition): string | undefined {
  if (before.store !== '' && next.store !== before.store) return 'another store has taken the place of the one that was followed';
  if (next.revision > before.revision) return undefined;
  if (next.revision < before.revision) return 'etcd was restored to an older state';
  return next.hash === before.hash ? 'keys of entities were changed by hand' : 'etcd was restored to another state of the same revision';
}
