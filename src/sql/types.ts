import type { Filter } from '../schema/filter.ts';
import type { IsolationLevel, LockPolicy, ResourceType, SchemaSet } from '../schema/types.ts';

/** A resource as the API shows it: property name → value; relations embedded under their names. */
export type Resource = Readonly<Record<string, unknown>>;

/** What a list or show selects. One object per request shape is worth keeping: compiled statements are cached by their shape. */
export interface Selection {
  readonly filter: Filter;
  /** Property names, in the order of the answer; undefined = all. `schema_id.property` asks for a property of an embedded resource. */
  readonly fields?: readonly string[];
  /** Embed related resources (default true). A null relation embeds as null. */
  readonly embed?: boolean;
  readonly sort?: readonly { readonly property: string; readonly descending: boolean }[];
  readonly limit?: number;
  readonly offset?: number;
  /** Keyset paging: rows after this one in the order of `sort` (values of the sort properties, then the id). */
  readonly after?: readonly unknown[];
  /** The rows themselves (`skip_related`), or with them all that they may embed, whether or not it is selected (`lock_related`); none by default. */
  readonly lock?: LockPolicy;
}

/** The statements of a transaction (or of a read without one). Errors are SekishoErrors: RESOURCE_CONFLICT with the property that clashed, RESOURCE_REFERENCE, DATABASE_RETRY (serialisation, deadlock), DATABASE_LOST, DATABASE_FAILED. */
export interface Session {
  list(type: ResourceType, selection: Selection): Promise<readonly Resource[]>;
  /** The same rows as JSON text, `[{…},…]`, built where it is cheapest; for answers that need no further change. */
  listJson(type: ResourceType, selection: Selection): Promise<string>;
  /** `listJson` with the `count` of the selection's filter, asked together where that saves a round trip. */
  listJsonCounted(type: ResourceType, selection: Selection): Promise<{ readonly text: string; readonly total: number }>;
  count(type: ResourceType, filter: Filter): Promise<number>;
  /**
   * The number of rows, exact up to `exactUpTo`; of more, the guess of the database's planner, where it makes one. (The exact part is PostgREST's, and keeps
   * guesses from telling of rows that the filter hides.)
   */
  estimate(type: ResourceType, filter: Filter, exactUpTo: number): Promise<{ readonly total: number; readonly isEstimate: boolean }>;
  fetch(type: ResourceType, id: unknown, selection: Selection): Promise<Resource | undefined>;
  insert(type: ResourceType, resource: Resource): Promise<void>;
  /** Writes the given properties; gives whether there was such a row. */
  update(type: ResourceType, id: unknown, changes: Resource): Promise<boolean>;
  delete(type: ResourceType, id: unknown): Promise<boolean>;
  /**
   * The rows that a delete of this one takes along by cascade, each after those that take it along; for their event rows. They are locked, so that
   * nobody changes them or adds more of them before the delete.
   */
  cascade(type: ResourceType, id: unknown): Promise<readonly { readonly type: ResourceType; readonly resource: Resource }[]>;
  /** Writes a row of the event log, after the row that it tells of: the lock on that one puts the ids in order. Nothing when the log is off. */
  logEvent(event: EventRow): Promise<void>;
  /** Idempotency keys: the stored answer of a key, and storing one, in this transaction. */
  recallAnswer(key: string): Promise<{ readonly fingerprint: string; readonly status: number; readonly body: string } | undefined>;
  rememberAnswer(key: string, answer: { readonly fingerprint: string; readonly status: number; readonly body: string }): Promise<void>;
  /** Any statement, parameters bound by position (`?`). */
  query(sql: string, parameters: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface EventRow {
  readonly type: 'create' | 'update' | 'delete';
  readonly path: string;
  readonly version: number;
  readonly body: string;
  readonly syncPlain: boolean;
  readonly syncProperty: string;
}

export interface TransactionOptions {
  readonly isolation: IsolationLevel;
  readonly signal?: AbortSignal;
  /** Begins with the first statement of `work`: what comes before holds no connection. */
  readonly isDeferred?: boolean;
  /** Shares its commit with no other transaction, which SQLite does otherwise: for work whose end is told from outside. */
  readonly isAlone?: boolean;
  /**
   * Whether the work holds, until it is committed, what others may wait for, such as threads of extensions. Asked as it begins, and when it is done: it shares
   * its commit with no other, or with none after it.
   */
  readonly isHolding?: () => boolean;
}

/** One database of resources. */
export interface Database {
  readonly kind: 'sqlite3' | 'postgresql' | 'mysql';
  /** Reads outside of a transaction (a snapshot of its own per statement). */
  readonly reader: Session;
  /**
   * Runs `work` in one transaction and commits. Serialisation failures and deadlocks are tried again up to the configured count with jitter (`work` runs anew);
   * resolves only when the commit was acknowledged: a connection lost at commit rejects with DATABASE_LOST, never resolves.
   */
  transaction<T>(work: (session: Session) => Promise<T>, options: TransactionOptions): Promise<T>;
  /**
   * Makes and additively migrates the tables of the set; see `migrate.ts`. With `eventLog: false` no rows of the event log are written: nobody would
   * take them away. With `dropFirst` the tables of the set are dropped before, with their rows.
   */
  prepare(
    schemas: SchemaSet,
    options: { readonly autoMigrate: boolean; readonly cascadeDelete: boolean; readonly eventLog?: boolean; readonly dropFirst?: boolean },
  ): Promise<void>;
  /** Takes the set for its statements, as `prepare` does, where another process has prepared the tables. */
  use(schemas: SchemaSet, options: { readonly cascadeDelete: boolean; readonly eventLog?: boolean }): void;
  /** Calls back after each commit of a transaction of this process that wrote event rows; the returned function ends that. */
  onLogged(listener: () => void): () => void;
  close(): Promise<void>;
}
