import type { Change, EntityKind } from '../entity/types.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { DocumentStore, Entities, HistoryRecord } from '../store/types.ts';

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
  status(): readonly { readonly key: string; readonly namespace: string; readonly module: string }[];
  release(key: string): boolean;
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
  readonly workers: number;
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
  readonly metrics?: () => string;
  readonly explain?: (query: ExplainQuery) => unknown;
  readonly modules?: ModuleControl;
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
