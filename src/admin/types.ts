import type { Change, EntityKind } from '../entity/types.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { DocumentStore, Entities, HistoryRecord } from '../store/types.ts';
import type { BackupControl, ClusterControl } from './cluster-control.ts';

/** The state that the admin API reads and changes; the registry of `src/store` is one. */
export interface AdminState {
  entities(): Entities;
  revision(): number;
  /** Chain hash over all changes, hex. */
  hash(): string;
  /** Changes that were ever stored. */
  changeCount(): number;
  /**
   * Checks, builds, stores and serves `changes`, all of them or none; resolves when they are served. With `dryRun` it stops after building.
   * Rejects with the reason (`ENTITY_*`, `MODULE_*`, `REVISION_MISMATCH`, `STORE_FAILED`).
   */
  apply(changes: readonly Change[], options: ApplyOptions): Promise<Applied>;
  /** Newest first; `before` is a revision. */
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryRecord[]>;
  /** Stored entities that are kept out of the served snapshot. */
  rejected(): readonly RejectedEntity[];
  readonly documents: DocumentStore;
}

export interface ApplyOptions {
  readonly author: string;
  readonly expect?: number;
  readonly dryRun?: boolean;
}

export interface Applied {
  readonly revision: number;
  /** What the caller should know though the change was accepted. */
  readonly warnings: readonly string[];
}

export interface RejectedEntity {
  readonly kind: EntityKind;
  readonly namespace: string;
  readonly name: string;
  readonly error: SekishoError;
}

/** How far the gateway is. */
export type Phase = 'starting' | 'ready' | 'stopping';

/** What `GET /api/v1/explain` asks. */
export interface ExplainQuery {
  readonly host: string;
  readonly method: string;
  readonly path: string;
}

/** The programs of the module runtime, as far as the admin API shows and frees them. */
export interface ModuleControl {
  status(): Answered<readonly { readonly key: string; readonly namespace: string; readonly module: string }[]>;
  release(key: string): Answered<boolean>;
}

/** The extensions of schemas, as far as the admin API shows and frees them. Rows of other processes tell which by `worker`. */
export interface ExtensionControl {
  status(): Answered<ExtensionsView>;
  /** Lifts the quarantine of an environment, in every process. */
  release(environment: string): Answered<boolean>;
}

export interface ExtensionsView {
  readonly environments: readonly { readonly name: string; readonly state: string }[];
  readonly threads: readonly object[];
  /** Requests that wait for a thread. */
  readonly waiting: number;
}

/** At once, or when another process has answered. */
export type Answered<T> = T | Promise<T>;

/** A process that serves requests, as the admin API shows it. */
export interface WorkerView {
  /** Its place, from 1 on; a process that takes over has the number of the one before it. */
  readonly worker: number;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining' | 'waiting';
  /** Requests that it has answered. */
  readonly requests: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly rssBytes: number;
  /** Revision that it serves. */
  readonly revision: number;
  readonly uptimeSeconds: number;
  /** How often a process of this place ended by itself or was killed because it stalled or was full. */
  readonly restarts: number;
  /** Why the last one of them ended. */
  readonly lastEnd?: string;
}

/** What a reload did. */
export interface Reloaded {
  /** Keys of the configuration that are different. */
  readonly changed: readonly string[];
  /** Those of them that count from the next start on. */
  readonly later: readonly string[];
  /** Workers that were replaced. */
  readonly replaced: number;
}

/** The processes of the gateway, as far as the admin API shows and replaces them. */
export interface ProcessControl {
  /** Empty when one process does everything. */
  workers(): readonly WorkerView[];
  /** Workers that there should be. */
  wanted(): number;
  /** Reads the configuration again. Rejects with CONFIG_* or what else is wrong with it, and RELOAD_REFUSED; nothing has changed then. */
  reload(): Promise<Reloaded>;
  /** Begins to hand over to a new process of the program on the disk. Rejects with RELOAD_REFUSED. */
  upgrade(): Answered<void>;
  /** Why the last upgrade failed. */
  upgradeError(): SekishoError | undefined;
}

/** What is delivered from the event log, as far as the admin API shows it and begins it anew. Calls reject with SYNC_NO_ETCD where there is no etcd. */
export interface SyncControl {
  status(): unknown;
  cron(): Promise<readonly unknown[]>;
  compare(): Promise<unknown>;
  /** Begins a resynchronisation, or a rehearsal of one, unless one runs; gives its status. */
  resync(request: ResyncRequest): unknown;
  resyncStatus(): unknown;
  /** Absent when no schemas are served. */
  readonly webhooks?: WebhookControl;
}

export interface ResyncRequest {
  /** Ids of schemas; none: all. */
  readonly schemas: readonly string[];
  /** Templates of keys that were written before, and are to be removed. */
  readonly former: readonly string[];
  /** Only to tell what would be repaired. */
  readonly isDryRun: boolean;
}

/** Receivers of webhooks and their dead letters. Calls with a receiver reject with WEBHOOK_UNKNOWN. */
export interface WebhookControl {
  status(): Promise<readonly unknown[]>;
  deadLetters(receiver: string, limit: number, after: number): Promise<readonly unknown[]>;
  /** With its body; rejects with WEBHOOK_NO_LETTER when there is none. */
  deadLetter(receiver: string, id: number): Promise<{ readonly body: string }>;
  /** Gives how many wait again. */
  retry(receiver: string, ids?: readonly number[]): Promise<number>;
  /** Gives how many were deleted. */
  forget(receiver: string, ids?: readonly number[]): Promise<number>;
}

/** What is known about a served certificate. */
export interface CertificateStatus {
  readonly namespace: string;
  readonly domain: string;
  /** RFC 3339, UTC. */
  readonly notAfter: string;
  readonly daysLeft: number;
}

/** What `GET /api/v1/status` tells beyond the entities. */
export interface ServerStatus {
  readonly listeners: readonly { readonly name: string; readonly address: string }[];
  /** Entities that this node does not serve because of their tags. */
  readonly leftOut?: readonly unknown[];
}

export interface AdminOptions {
  readonly state: AdminState;
  readonly auth: AdminAuthOptions;
  readonly version: string;
  readonly phase: () => Phase;
  /** IPs and CIDRs, v4 and v6; empty admits every address. */
  readonly allowList: readonly string[];
  /** Which entry of X-Forwarded-For, counted from the end, is the client; 0 or less: the socket's peer. */
  readonly forwardedForDepth: number;
  /** Host names under which the admin API may be addressed, besides its own address, IP literals and localhost. */
  readonly allowedHosts: readonly string[];
  /** The host that the listener was configured with. */
  readonly listenHost: string;
  readonly maxBodyBytes: number;
  readonly disableDefaultNamespace: boolean;
  /** Says more in refusals. */
  readonly debug: boolean;
  readonly watchOnly: boolean;
  /** Prometheus text; absent when metrics are disabled. */
  readonly metrics?: () => Answered<string>;
  readonly explain?: (query: ExplainQuery) => unknown;
  readonly processes?: ProcessControl;
  readonly modules?: ModuleControl;
  readonly extensions?: ExtensionControl;
  readonly sync?: SyncControl;
  /** Absent when the state is not shared. */
  readonly cluster?: ClusterControl;
  readonly backups?: BackupControl;
  /** One sentence for each thing that is wrong though requests are served; `/readyz` tells them. */
  readonly problems?: () => readonly string[];
  readonly certificates?: () => readonly CertificateStatus[];
  readonly status?: () => ServerStatus;
}

/** How callers of the admin API prove who they are. */
export type AdminAuthOptions =
  | { readonly method: 'none' }
  | { readonly method: 'basic'; readonly users: readonly { readonly username: string; readonly password: string }[] }
  | KeyAuthOptions
  | JwtAuthOptions;

export interface KeyAuthOptions {
  readonly method: 'key';
  readonly keys: readonly string[];
  /** Default `X-DGate-Key`, when there is no `queryParamName` either. */
  readonly headerName?: string;
  readonly queryParamName?: string;
}

export const JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

export interface JwtAuthOptions {
  readonly method: 'jwt';
  readonly algorithm: JwtAlgorithm;
  /** The shared secret (HS) or the public key or certificate as PEM text (RS, PS, ES). */
  readonly key: string;
  /** Default `Authorization`. */
  readonly headerName?: string;
  readonly issuer?: string;
  readonly audience?: string;
}
