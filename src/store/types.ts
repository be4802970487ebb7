import type { Change, Collection, Document, Entities, EntityId, EntityKind } from '../entity/types.ts';

export type { Entities, EntityId } from '../entity/types.ts';

/** The state of the store at one revision. */
export interface StoreState {
  readonly entities: Entities;
  readonly revision: number;
  /** Chain hash over all changes, hex; equal on nodes that hold the same history. */
  readonly hash: string;
  /** Deletions that stay in force though the store holds no such entity: they mask an entity of the configuration file. */
  readonly masked: readonly EntityId[];
}

/** One acknowledged change with who made it and when. Secrets and keys are redacted in `changes`. */
export interface HistoryRecord {
  readonly revision: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Principal of the admin call (`admin`, `basic:ann`, `module:default/m`, `config`). */
  readonly author: string;
  readonly changes: readonly HistoryChange[];
  readonly hash: string;
}

export interface HistoryChange {
  readonly op: 'put' | 'delete';
  readonly kind: EntityKind;
  readonly namespace: string;
  readonly name: string;
  /** The entity as put, and as it was before (redacted). */
  readonly after?: unknown;
  readonly before?: unknown;
}

/** What was stored at one revision, as the watch tells it; at several, when it fell behind: revisions may jump. */
export interface StoreUpdate {
  readonly revision: number;
  readonly hash: string;
  readonly changes: readonly Change[];
  /** What is stored is no continuation of what was known: `revision` may be lower than before. The changes lead there all the same. */
  readonly isReset?: true;
}

/** Whether what is known is what is stored. */
export interface StoreHealth {
  /** `unreachable`: what was read before is known. `stale`: what the last process left on the disk. */
  readonly state: 'ok' | 'stale' | 'unreachable';
  /** RFC 3339, UTC: since when the state is this one. */
  readonly since: string;
  readonly error?: string;
}

export interface PutOptions {
  /** Principal for the history. */
  readonly author: string;
  /** Revision that the store must be at, else REVISION_MISMATCH. */
  readonly expect?: number;
  /** When the change was begun, by `performance.now()`: the time that a store gives it counts from then on, tries before this one included. */
  readonly begunAt?: number;
  /** When another writer is faster, the next turn is to be this one's (see `Turns`). */
  readonly reserve?: boolean;
  /** True for a deletion that is to be kept as a mask (see `StoreState.masked`). */
  readonly isMask?: (id: EntityId) => boolean;
}

/** Who of several writers goes next: those first that were outrun. A courtesy: a change that does not wait is taken all the same. */
export interface Turns {
  /** Undefined when a change may be prepared now, else what resolves when that may be so. */
  wait(): Promise<void> | undefined;
  /** Nothing is left that the turn was asked for. */
  pass(): void;
}

/** One of several changes that are stored together. */
export interface PutStep {
  readonly changes: readonly Change[];
  /** Principal for the history. */
  readonly author: string;
}

/** Where entities live. `put` is one transaction: durable when it resolves, nothing of it there when it rejects (STORE_FAILED, REVISION_MISMATCH). */
export interface Store {
  load(): Promise<StoreState>;
  put(changes: readonly Change[], options: PutOptions): Promise<StoreUpdate>;
  /**
   * `put` for several changes in one transaction, each with a revision and a record of its own: for a store that is far away. Undefined, and nothing stored,
   * when they are too large for one transaction.
   */
  putAll?(steps: readonly PutStep[], options: Omit<PutOptions, 'author'>): Promise<readonly StoreUpdate[] | undefined>;
  /** Where several write. */
  readonly turns?: Turns;
  /** Calls `onUpdate` for every stored revision after `from`, in order, those of this process included. Returns the function that stops it. */
  watch(from: number, onUpdate: (update: StoreUpdate) => void): () => void;
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryRecord[]>;
  readonly documents: DocumentStore;
  health(): StoreHealth;
  close(): Promise<void>;
}

/** Documents, keyed by namespace, collection and id. Each call is its own durable transaction. */
export interface DocumentStore {
  get(namespace: string, collection: string, id: string): Promise<Document | undefined>;
  /** Sorted by id. */
  list(namespace: string, collection: string, options: { readonly limit: number; readonly offset: number }): Promise<readonly Document[]>;
  count(namespace: string, collection: string): Promise<number>;
  /**
   * Creates or replaces; keeps `createdAt` of a replaced one. `checked` is the collection whose schema the data was checked with:
   * STORE_BUSY when another node has changed it meanwhile.
   */
  put(namespace: string, collection: string, id: string, data: unknown, checked?: Collection): Promise<Document>;
  /** False when there was none. */
  delete(namespace: string, collection: string, id: string): Promise<boolean>;
  deleteAll(namespace: string, collection: string): Promise<number>;
}
