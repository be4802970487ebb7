import type { KeyValue, WatchEvent } from '../etcd/types.ts';
import type { Turns } from './types.ts';

/**
 * Who of several nodes changes the state next. A change that was outrun leaves a key in the same transaction that told it so; who wants to change
 * something lets those go first whose keys are older, and takes its own away with the change:
 *
 *     A stored    B outrun: key of B    C outrun: key of C    A waits    B stored, its key gone    C stored    A stored
 *
 * So nobody is outrun for ever, and nobody builds what will be outrun. It is a courtesy: what keeps the state whole is that every change compares it.
 */
export interface EtcdTurns extends Turns {
  /** A change was outrun. When its transaction has not left our key, it is left now. */
  outrun(isLeft: boolean): void;
  /** A change was stored and has taken these keys away. */
  taken(keys: readonly string[]): void;
  /** What a change that is stored takes away: our key, and those of nodes that let their turn pass. */
  spent(): readonly string[];
  /** All keys of turns that there are. */
  onList(kvs: readonly KeyValue[]): void;
  onEvents(events: readonly WatchEvent[]): void;
  close(): void;
}

export interface TurnsOptions {
  /** The key of this node. */
  readonly own: string;
  /** Leaves our key, and takes it away. What fails is as if another node had been slow. */
  readonly reserve: () => void;
  readonly release: () => void;
  /** False while etcd does not answer: nobody is waited for. */
  readonly isNeeded: () => boolean;
  /** How long a node that is to go first is waited for after its last sign of life, and three times that in all. Milliseconds; 1000 by default. */
  readonly patienceMs?: number;
}

interface Place {
  readonly key: string;
  /** etcd's revisions: the place in the row, and the last sign of life. */
  readonly createRevision: number;
  readonly modRevision: number;
  readonly hasPassed: boolean;
}

/** Who is waited for, since when, and since its last sign of life; no place while our own is on its way. */
interface First {
  readonly place: Place | undefined;
  readonly since: number;
  readonly aliveAt: number;
}

const PATIENCE_MS = 1000;
/** How often a node that has left its key gives a sign of life, and how long it may take for its turn, in terms of the patience. */
const SIGN_SHARE = 0.4;
const MAX_PATIENCES = 3;
/** So many keys one change takes away at most. */
const MAX_SPENT = 3;

/** Knows nobody yet. */
export function createEtcdTurns(options: TurnsOptions): EtcdTurns {
  return new TurnsOfNodes(options);
}

class TurnsOfNodes implements EtcdTurns {
  readonly #own: string;
  readonly #reserve: () => void;
  readonly #release: () => void;
  readonly #isNeeded: () => boolean;
  readonly #patienceMs: number;
  readonly #places = new Map<string, Place>();
  readonly #waiting = new Set<() => void>();
  /** Our key was left, and is not among the places yet. */
  #isOnItsWay = false;
  /** Who was first when we last wanted to know. */
  #first: First | undefined;
  /** Runs from when a change was outrun until it is stored or given up. */
  #signs: NodeJS.Timeout | undefined;

  constructor({ own, reserve, release, isNeeded, patienceMs = PATIENCE_MS }: TurnsOptions) {
    this.#own = own;
    this.#reserve = reserve;
    this.#release = release;
    this.#isNeeded = isNeeded;
    this.#patienceMs = patienceMs;
  }

  wait(): Promise<void> | undefined {
    while (this.#isNeeded()) {
      const place = this.#isOnItsWay ? undefined : this.#findFirst();
      if (!this.#isOnItsWay && (place === undefined || place.key === this.#own)) return undefined;
      this.#first = toFirst(this.#first, place);
      const { since, aliveAt } = this.#first;
      const leftMs = Math.min(aliveAt + this.#patienceMs, since + MAX_PATIENCES * this.#patienceMs) - performance.now();
      if (leftMs > 0) return this.#untilNews(leftMs);
      if (place === undefined) this.#isOnItsWay = false;
      else this.#places.set(place.key, { ...place, hasPassed: true });
    }
    return undefined;
  }

  pass(): void {
    this.#stopSigns();
    if (this.#hasOwn) this.#release();
  }

  outrun(isLeft: boolean): void {
    this.#signs ??= setInterval(this.#reserve, SIGN_SHARE * this.#patienceMs).unref();
    if (this.#hasOwn) return;
    if (!isLeft) this.#reserve();
    this.#isOnItsWay = true;
    this.#first = undefined;
  }

  taken(keys: readonly string[]): void {
    this.#stopSigns();
    for (const key of keys) this.#places.delete(key);
    this.#isOnItsWay = false;
  }

  spent(): readonly string[] {
    const passed = [...this.#places.values()].filter(({ key, hasPassed }) => hasPassed && key !== this.#own).slice(0, MAX_SPENT - 1);
    return [...(this.#hasOwn ? [this.#own] : []), ...passed.map(({ key }) => key)];
  }

  onList(kvs: readonly KeyValue[]): void {
    const keys = new Set(kvs.map(({ key }) => key));
    for (const key of this.#places.keys()) if (!keys.has(key)) this.#places.delete(key);
    for (const kv of kvs) this.#add(kv);
    this.#wake();
  }

  onEvents(events: readonly WatchEvent[]): void {
    for (const { type, kv } of events) {
      if (type === 'put') this.#add(kv);
      else this.#places.delete(kv.key);
    }
    if (events.length > 0) this.#wake();
  }

  close(): void {
    this.pass();
    this.#wake();
  }

  get #hasOwn(): boolean {
    return this.#isOnItsWay || this.#places.has(this.#own);
  }

  #findFirst(): Place | undefined {
    let first: Place | undefined;
    for (const place of this.#places.values())
      if (!place.hasPassed && (first === undefined || place.createRevision < first.createRevision)) first = place;
    return first;
  }

  #add({ key, createRevision, modRevision }: KeyValue): void {
    const known = this.#places.get(key);
    this.#places.set(key, { key, createRevision, modRevision, hasPassed: known?.createRevision === createRevision && known.hasPassed });
    if (key !== this.#own) return;
    this.#isOnItsWay = false;
    // A sign of life that came after the turn it was given for.
    if (this.#signs === undefined) this.#release();
  }

  #stopSigns(): void {
    clearInterval(this.#signs);
    this.#signs = undefined;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }

  async #untilNews(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}

function toFirst(known: First | undefined, place: Place | undefined): First {
  const now = performance.now();
  if (known === undefined || known.place?.key !== place?.key || known.place?.createRevision !== place?.createRevision)
    return { place, since: now, aliveAt: now };
  return known.place?.modRevision === place?.modRevision ? known : { ...known, place, aliveAt: now };
}
