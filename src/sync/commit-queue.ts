import type { Position, ToldRow } from '../sql/change-source.ts';
import type { ReadLimits } from '../sql/event-log.ts';

interface Commit {
  position: Position;
  /** Rows that are not delivered. */
  open: number;
}

interface Entry {
  readonly bytes: number;
  /** Undefined for one that stood in the log before the stream began. */
  readonly commit: Commit | undefined;
}

/** Ids of rows that wait, in the order of their commits, and up to where all of them are delivered. */
export class CommitQueue {
  #waiting = new Map<number, Entry>();
  readonly #parked = new Map<string, Map<number, number>>();
  readonly #commits = new Set<Commit>();
  #last: Commit | undefined;
  #done: Position | undefined;

  get size(): number {
    let size = this.#waiting.size;
    for (const rows of this.#parked.values()) size += rows.size;
    return size;
  }

  /** Up to where a stream need not give anything again. */
  get done(): Position | undefined {
    return this.#done;
  }

  add(rows: readonly ToldRow[], position: Position): void {
    const commit: Commit = { position, open: 0 };
    for (const { id, bytes } of rows) {
      if (this.#waiting.has(id)) continue;
      this.#waiting.set(id, { bytes, commit });
      commit.open += 1;
    }
    this.#commits.add(commit);
    this.#last = commit;
    this.#settle();
  }

  /** There was nothing of ours up to this position. */
  seen(position: Position): void {
    if (this.#commits.size === 0) this.#done = position;
    else if (this.#last !== undefined) this.#last.position = position;
  }

  /** The first ids, within the limits; at least one, if there is one. */
  head({ maxRows, maxBytes }: ReadLimits): readonly number[] {
    const ids: number[] = [];
    let sum = 0;
    for (const [id, { bytes }] of this.#waiting) {
      sum += bytes;
      if (ids.length > 0 && (ids.length >= maxRows || sum > maxBytes)) break;
      ids.push(id);
    }
    return ids;
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) this.#take(id);
    this.#settle();
  }

  /** Puts rows before all others: they are older. Those that are there already stay where they are. */
  prepend(rows: readonly ToldRow[]): void {
    const fresh = rows.filter(({ id }) => !this.#waiting.has(id));
    if (fresh.length === 0) return;
    this.#waiting = new Map([...fresh.map(({ id, bytes }) => [id, { bytes, commit: undefined }] as const), ...this.#waiting]);
  }

  /** Takes one out until its path is asked for again. The log keeps it: the stream need not. */
  park(id: number, path: string): void {
    const entry = this.#take(id);
    if (entry === undefined) return;
    let rows = this.#parked.get(path);
    if (rows === undefined) this.#parked.set(path, (rows = new Map()));
    rows.set(id, entry.bytes);
    this.#settle();
  }

  /** Puts the parked rows of all other paths back, before all others. */
  unpark(exceptPaths: ReadonlySet<string>): void {
    for (const [path, rows] of this.#parked) {
      if (exceptPaths.has(path)) continue;
      this.#parked.delete(path);
      this.prepend([...rows].map(([id, bytes]) => ({ id, bytes })));
    }
  }

  /** Forgets all: the log has them. */
  clear(): void {
    this.#waiting.clear();
    this.#parked.clear();
    this.#commits.clear();
    this.#last = undefined;
    this.#done = undefined;
  }

  #take(id: number): Entry | undefined {
    const entry = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (entry?.commit !== undefined) entry.commit.open -= 1;
    return entry;
  }

  #settle(): void {
    for (const commit of this.#commits) {
      if (commit.open > 0) return;
      this.#commits.delete(commit);
      this.#done = commit.position;
    }
  }
}
