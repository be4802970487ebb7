/** How to reach an etcd cluster. Endpoints are tried in turn; a dead one is passed over until it answers again. */
export interface EtcdOptions {
  /** `http://host:2379` or `https://…`; a bare `host:port` means http. */
  readonly endpoints: readonly string[];
  readonly username?: string;
  readonly password?: string;
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly skipVerify?: boolean };
  /** How long one call may take on all endpoints together. Milliseconds; 5000 by default. */
  readonly timeoutMs?: number;
}

/** One key. Revisions are etcd's 64-bit counters; they stay below 2^53 in any cluster that lives. */
export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Number of writes since the key was created; 1 for a new key. */
  readonly version: number;
  /** Id of the lease as decimal text, `0` for none. */
  readonly lease: string;
}

/** What a range read wants: one key, or all keys that begin with `prefix`. */
export interface RangeQuery {
  readonly key?: string;
  readonly prefix?: string;
  /** Reads at this revision; `ETCD_COMPACTED` when it is gone. */
  readonly revision?: number;
  readonly limit?: number;
  /** Keys strictly after this one (for pages of a prefix). */
  readonly after?: string;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Reads from the asked member alone, maybe stale. Default false: linearizable. */
  readonly serializable?: boolean;
}

export interface RangeResult {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in the range, whatever `limit` says. */
  readonly count: number;
  readonly more: boolean;
}

/** What is deleted: one key, all that begin with `prefix`, or those from `key` on that come before `end`. */
export interface KeyTarget {
  readonly key?: string;
  readonly prefix?: string;
  readonly end?: string;
}

/** A condition of a transaction. `exists: false` is `createRevision = 0`; with `isPrefix` it is to hold for all keys that begin with `key`, also when there are none. */
export type Compare =
  | {
      readonly key: string;
      readonly isPrefix?: true;
      readonly target: 'createRevision' | 'modRevision' | 'version';
      readonly result: '=' | '!=' | '<' | '>';
      readonly value: number;
    }
  | { readonly key: string; readonly target: 'value'; readonly result: '=' | '!='; readonly value: string | Buffer }
  | { readonly key: string; readonly target: 'lease'; readonly result: '='; readonly value: string };

export type TxnOperation =
  | { readonly put: { readonly key: string; readonly value: string | Buffer; readonly lease?: string; readonly prevKv?: boolean } }
  | { readonly range: RangeQuery }
  | { readonly delete: KeyTarget & { readonly prevKv?: boolean } };

/** All `compare` hold: `success` runs, else `failure`; one atomic step either way. etcd takes 128 operations and 1.5 MiB by default. */
export interface Txn {
  readonly compare?: readonly Compare[];
  readonly success: readonly TxnOperation[];
  readonly failure?: readonly TxnOperation[];
}

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: number;
  /** One for each operation that ran, in order. */
  readonly responses: readonly TxnResponse[];
}

export type TxnResponse =
  | { readonly type: 'put'; readonly previous?: KeyValue }
  | { readonly type: 'range'; readonly result: RangeResult }
  | { readonly type: 'delete'; readonly deleted: number; readonly previous: readonly KeyValue[] };

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** For a delete, `value` is empty and `modRevision` the revision of the delete. */
  readonly kv: KeyValue;
}

/** What a watcher of a prefix is told. Calls come one after another: the next waits for the promise of the last. */
export interface WatchHandlers {
  /**
   * The whole state of the prefix: at the start, after every reconnect and compaction, and at least every `relistMs`.
   * A watch is a hint; the list is the truth, so a handler compares it with what it knows.
   */
  onList(list: RangeResult): void | Promise<void>;
  /** All events of one revision or several whole ones, in order; `revision` is the last of them. Never a part of a revision. */
  onEvents(events: readonly WatchEvent[], revision: number): void | Promise<void>;
  /** The stream is cut (`false`, with the reason) or flows again (`true`). */
  onConnected?(connected: boolean, reason?: string): void;
}

export interface WatchOptions extends WatchHandlers {
  readonly prefix: string;
  /** Begin after this revision instead of with a list; falls back to a list when it is compacted. */
  readonly fromRevision?: number;
  /** Compare with a whole list this often even if nothing was seen to go wrong. Milliseconds; 60000 by default, 0 for never. */
  readonly relistMs?: number;
  /** Lists come without values, for handlers that fetch those they lack. Events have theirs all the same. */
  readonly keysOnly?: boolean;
}

export interface Watch {
  /** Settles when the first list (or, with `fromRevision`, the first stream) was handled; rejects when closed before. */
  readonly ready: Promise<void>;
  /** Ends the watch; settles when the last handler has returned. */
  close(): Promise<void>;
}

/** A lease kept alive until it is closed or lost. */
export interface Lease {
  /** Decimal text: ids pass 2^53. */
  readonly id: string;
  readonly ttlMs: number;
  /** Aborted when the lease may be lost: by etcd's word, or by our own monotonic clock at two thirds of the TTL without a renewal. */
  readonly lost: AbortSignal;
  /** Asks the clock now, and aborts `lost` when its time is over: true before a timer of `lost` had its turn in a process that was stopped. */
  readonly isAlive: boolean;
  /** Revokes the lease; its keys go at once. Never rejects. */
  close(): Promise<void>;
}

export interface MemberStatus {
  readonly endpoint: string;
  readonly reachable: boolean;
  readonly error?: string;
  readonly memberId?: string;
  readonly version?: string;
  readonly dbSizeBytes?: number;
  readonly dbInUseBytes?: number;
  readonly leaderId?: string;
  readonly raftTerm?: number;
  readonly raftIndex?: number;
  readonly isLearner?: boolean;
  readonly errors?: readonly string[];
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface Alarm {
  readonly memberId: string;
  /** `NOSPACE`, `CORRUPT`, or what newer versions of etcd know. */
  readonly alarm: string;
}

/** The cluster itself: members, health, upkeep. */
export interface EtcdCluster {
  members(): Promise<readonly Member[]>;
  add(peerUrls: readonly string[], options?: { readonly learner?: boolean }): Promise<Member>;
  remove(memberId: string): Promise<void>;
  promote(memberId: string): Promise<void>;
  update(memberId: string, peerUrls: readonly string[]): Promise<void>;
  /** One row per endpoint (of the options and of the members), also for those that do not answer. */
  status(): Promise<readonly MemberStatus[]>;
  alarms(): Promise<readonly Alarm[]>;
  disarm(alarm: Alarm): Promise<void>;
  /** Gives unused pages of one member back to its file system. */
  defragment(endpoint: string): Promise<void>;
  compact(revision: number): Promise<void>;
  /** The member's whole database as a byte stream; its last 32 bytes are the SHA-256 of what is before them. */
  snapshot(endpoint?: string): AsyncIterable<Buffer>;
}

/**
 * A client of etcd's v3 JSON gateway. Every call fails with `ETCD_UNAVAILABLE` (no endpoint answered in time),
 * `ETCD_DENIED`, `ETCD_NO_SPACE`, `ETCD_TOO_LARGE`, `ETCD_COMPACTED`, `ETCD_LEASE_LOST` (a put under a lease that is gone) or `ETCD_FAILED`. Reads are tried again on another endpoint;
 * a write is only tried again where it surely was not carried out: else `ETCD_UNKNOWN_OUTCOME`, and the caller reads what is there.
 */
export interface Etcd {
  range(query: RangeQuery, signal?: AbortSignal): Promise<RangeResult>;
  /** All keys of a prefix at one revision, page by page. */
  pages(query: RangeQuery & { readonly prefix: string }, signal?: AbortSignal): AsyncIterable<RangeResult>;
  put(key: string, value: string | Buffer, options?: { readonly lease?: string }): Promise<number>;
  delete(target: KeyTarget): Promise<number>;
  txn(txn: Txn, signal?: AbortSignal): Promise<TxnResult>;
  watch(options: WatchOptions): Watch;
  lease(ttlMs: number, signal?: AbortSignal): Promise<Lease>;
  readonly cluster: EtcdCluster;
  close(): Promise<void>;
}

/** A client whose connections several parts share. */
export interface EtcdClient extends Etcd {
  /** The same connections, but each call may take so long. Closing it ends its own watches and leases; the connections are those of the client. */
  withTimeout(timeoutMs: number): Etcd;
}

/** A term of office: from `elected` until `lost` is aborted. */
export interface Leadership {
  /** Put it into every transaction: it fails once another leads. */
  readonly fence: Compare;
  readonly lost: AbortSignal;
  /** Grows with each leader of this election: etcd's create revision of the leader's key. */
  readonly term: number;
}

export interface ElectionOptions {
  readonly etcd: Etcd;
  /** The key that the leader holds under its lease. */
  readonly key: string;
  /** Who we are; stored as the key's value, so that others can tell who leads. */
  readonly candidate: string;
  /** Milliseconds; 10000 by default. */
  readonly ttlMs?: number;
  /**
   * Called for each term; the returned promise is the work of the leader. It must end soon after `lost`; the next term begins
   * after it ended. When it ends by itself, the office is given up and campaigned for anew.
   */
  lead(leadership: Leadership): Promise<void>;
  onLeader?(leader: { readonly candidate: string; readonly term: number } | undefined): void;
  onError?(error: unknown): void;
}

export interface Election {
  /** Who leads as last seen, ourselves included. */
  leader(): { readonly candidate: string; readonly term: number } | undefined;
  readonly isLeader: boolean;
  /** Gives up the office (after `lead` ended) and stops campaigning. */
  close(): Promise<void>;
}
