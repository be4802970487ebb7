/** A row of the event log as the database's replication tells of it. */
export interface ToldRow {
  readonly id: number;
  /** Of its body. */
  readonly bytes: number;
}

/** Where a stream of changes is; the database gives it and takes it back. */
export type Position = string;

/**
 * Hears of rows of the event log in the order in which their transactions were committed. A row may be told before it is seen: databases write their log
 * first. Must be quick and must not throw.
 */
export interface ChangeListener {
  /** `deleted`: ids of rows that are gone since. */
  onCommit(rows: readonly ToldRow[], deleted: readonly number[], position: Position): void;
  /** All rows are gone. */
  onTruncate(): void;
  /** Others changed something: there is nothing for us before this. */
  onPosition(position: Position): void;
}

/** Changes as they come, until it ends. */
export interface ChangeStream {
  /** Why changes may have been missed that nobody can give again: the place where the last stream ended is not there any more. */
  readonly gap: string | undefined;
  /** Resolves with the reason when it ended by itself; never rejects. */
  readonly ended: Promise<unknown>;
  /** Resolves when the listener has heard of all that was committed before this call. Rejects when that takes too long, or when the stream ended. */
  catchUp(): Promise<void>;
  /** Nothing up to this position has to be given again. `isOurs` is false when only others changed something since the last one. */
  acknowledge(position: Position, isOurs: boolean): void;
  /** Ends it; a next one begins where this one was acknowledged. May be called twice. */
  close(): Promise<void>;
}

/** Replication of a database as a source of what is to be delivered, and in which order. Errors are SYNC_SOURCE, which tell what to set, or of the connection. */
export interface ChangeSource {
  readonly name: 'postgres_replication' | 'mysql_binlog';
  /** Rejects when the server is not set up for it. */
  check(): Promise<void>;
  /** Begins where the last stream of any node was acknowledged. One at a time. The signal ends the attempt, not the stream. */
  open(listener: ChangeListener, signal: AbortSignal): Promise<ChangeStream>;
}
