import type { Duration } from '../lib/duration.ts';

/** What the admin API manages. Field names are DGate's (shared by its clients); `Duration` fields come back as they were put. */
export interface Namespace {
  readonly name: string;
  readonly tags?: readonly string[];
}

export interface Domain {
  readonly name: string;
  readonly namespace: string;
  /** Host patterns: exact, `*suffix`, `prefix*`, `*part*`, `*`, or `/regex/`; matched without case. */
  readonly patterns: readonly string[];
  /** Higher is asked first; equal priorities by name, descending. */
  readonly priority: number;
  /** PEM text. Both or neither. */
  readonly cert?: string;
  readonly key?: string;
  readonly tags?: readonly string[];
}

export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** Absolute URLs; schemes http, https, ws, wss, h2c. */
  readonly urls: readonly string[];
  readonly retries: number;
  /** Pause between two attempts. */
  readonly retryTimeout: Duration;
  readonly connectTimeout: Duration;
  /** Limit of one attempt, until the response head; 0 = the gateway's default. */
  readonly requestTimeout: Duration;
  readonly tlsSkipVerify: boolean;
  readonly http2Only: boolean;
  readonly hideDGateHeaders: boolean;
  readonly disableQueryParams: boolean;
  readonly tags?: readonly string[];
}

export interface Route {
  readonly name: string;
  readonly namespace: string;
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly preserveHost: boolean;
  readonly stripPath: boolean;
  readonly service?: string;
  /** The first is the entry module; the others are importable by name. */
  readonly modules?: readonly string[];
  readonly tags?: readonly string[];
}

export interface Module {
  readonly name: string;
  readonly namespace: string;
  readonly moduleType: 'typescript' | 'javascript';
  /** Source text, base64. */
  readonly payload: string;
  readonly tags?: readonly string[];
}

export interface Collection {
  readonly name: string;
  readonly namespace: string;
  /** A JSON Schema (draft 2020-12 by default) that the documents keep. */
  readonly schema?: unknown;
  readonly visibility: 'public' | 'private';
  readonly type: 'document' | 'fetcher';
  readonly tags?: readonly string[];
}

export interface Secret {
  readonly name: string;
  readonly namespace: string;
  /** Plain text inside the process; encrypted in the store; never answered. */
  readonly data: string;
  readonly tags?: readonly string[];
}

export interface Document {
  readonly id: string;
  readonly namespace: string;
  readonly collection: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly data: unknown;
}

/** The kinds that make up the configuration state; documents are data and live beside it. */
export interface EntityTypes {
  namespace: Namespace;
  domain: Domain;
  service: Service;
  route: Route;
  module: Module;
  collection: Collection;
  secret: Secret;
}
export type EntityKind = keyof EntityTypes;

/** Names one entity; `namespace` is empty for namespaces. */
export interface EntityId {
  readonly kind: EntityKind;
  readonly namespace: string;
  readonly name: string;
}

/** All entities of one revision, by kind, keyed by `toEntityKey`: `namespace/name` (namespaces: by name). Never mutated once handed out. */
export type Entities = { readonly [K in EntityKind]: ReadonlyMap<string, EntityTypes[K]> };

/** One step of a change. Several in one list are applied together or not at all. */
export type Change =
  | { [K in EntityKind]: { readonly op: 'put'; readonly kind: K; readonly entity: EntityTypes[K] } }[EntityKind]
  | { readonly op: 'delete'; readonly kind: EntityKind; readonly namespace: string; readonly name: string };
