import type { Fields } from './types.ts';

/** One row of a resource as extensions see it: property → value. */
type Row = Fields;

/** Which transaction a statement runs in: `request` is the one that is open for the request, a number one that the handler opened; null makes one of its own. */
export type TransactionHandle = 'request' | number | null;

/** `{property: value or list of values}`, `__and__`, `__or__`, `__bool__` as in Gohan; operators of the REST API's filters (`age__gt`) too. */
export type ExtensionFilter = Fields;

export interface ListOptions {
  readonly orderKey?: string;
  readonly descending?: boolean;
  readonly limit?: number;
  readonly offset?: number;
  readonly lock?: 'lock_related' | 'skip_related';
}

export interface FetchOptions {
  readonly tenantId?: string;
  readonly lock?: 'lock_related' | 'skip_related';
}

/** How much of the life of a resource a model call runs: Gohan's calls run the in-transaction events only; `full` validates, asks the policy, and runs them too. */
export type ModelMode = 'gohan' | 'full';

/** How a model call runs; a mode alone stands for `{ mode }`. */
export type ModelHow = ModelMode | ModelOptions;

export interface ModelOptions {
  readonly mode: ModelMode;
  /** Where it runs, and what handlers of its events see as their transaction. Absent: in that of the request when one is open, else in one of its own. */
  readonly transaction?: TransactionHandle;
}

/** Any tenant when there is no list. */
export interface TenantOptions {
  readonly tenantIds?: readonly string[];
}

export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly follow: boolean;
  /** Sends the URL as the request's target, letter by letter. */
  readonly opaque?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Lower-case names; several values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The values of `set-cookie`, which cannot be told apart once they are joined. */
  readonly setCookies: readonly string[];
  readonly body: string;
}

/**
 * Everything that extension threads may ask of the gateway: name → arguments → result. The resource layer answers `db.*`, `model.*`,
 * `schema.*`, `policy.*`; the composition root the rest. Arguments and results are JSON values. Errors have `code`, `message`, and for
 * `model.*` the `problem` of Gohan's ResourceException and the `status`.
 */
export interface HostCallTable {
  'db.begin'(isolation: string | undefined): number;
  'db.commit'(transaction: number): void;
  /** Rolls back what was not committed. Handles that a request leaves open are closed at its end. */
  'db.close'(transaction: number): void;
  'db.list'(transaction: TransactionHandle, schemaId: string, filter: ExtensionFilter, options: ListOptions): readonly Row[];
  'db.count'(transaction: TransactionHandle, schemaId: string, filter: ExtensionFilter): number;
  /** RESOURCE_NOT_FOUND when there is none. */
  'db.fetch'(transaction: TransactionHandle, schemaId: string, id: string, options: FetchOptions): Row;
  /** `{config_version, state_version, error, state, monitoring}` */
  'db.stateFetch'(transaction: TransactionHandle, schemaId: string, id: string, options: FetchOptions): Row;
  /** Fills defaults, validates nothing, makes no id; writes the event row. Gives the row as stored. */
  'db.create'(transaction: TransactionHandle, schemaId: string, resource: Row): Row;
  /** Only the given properties; `id` tells the row. */
  'db.update'(transaction: TransactionHandle, schemaId: string, resource: Row): Row;
  /** As `db.update`, without an event row. */
  'db.stateUpdate'(transaction: TransactionHandle, schemaId: string, resource: Row): Row;
  'db.delete'(transaction: TransactionHandle, schemaId: string, id: string): void;
  /** Any statement, `?` bound by position. */
  'db.query'(transaction: TransactionHandle, schemaId: string | undefined, sql: string, parameters: readonly unknown[]): readonly Row[];
  /** The select list of a schema's table: ``table.`column` as `table__column` `` in the dialect's quotes. */
  'db.columns'(schemaId: string): string;

  'model.list'(schemaId: string, filter: ExtensionFilter, options: ListOptions, how: ModelHow): readonly Row[];
  'model.fetch'(schemaId: string, id: string, options: TenantOptions, how: ModelHow): Row;
  'model.create'(schemaId: string, resource: Row, how: ModelHow): Row;
  'model.update'(schemaId: string, id: string, changes: Row, options: TenantOptions, how: ModelHow): Row;
  'model.delete'(schemaId: string, id: string, how: ModelHow): void;

  /**
   * Runs the handlers of an event in those of the environments that have any, one after the other, nested in the caller's event. Gives the keys of the
   * context that they changed.
   */
  'event.trigger'(event: string, environments: readonly string[], transaction: TransactionHandle | undefined): Fields;

  /** All schemas as the schema API tells of them, unfiltered. */
  'schema.list'(): readonly Fields[];
  'schema.url'(schemaId: string): string;
  'policy.list'(): readonly Fields[];

  'http.request'(call: HttpCall): HttpAnswer;
  /** A value of the configuration by its path (`database/type`), secrets left out; undefined when there is none. */
  'config.get'(path: string): unknown;
  'secret.get'(name: string): string | undefined;
  'cache.get'(key: string): string | undefined;
  'cache.set'(key: string, value: string, ttlMs: number): void;
  /** JSON text of an object that all requests share: of one environment, or of all (`''`). */
  'global.get'(environment: string, name: string): string | undefined;
  'global.set'(environment: string, name: string, text: string): void;
  'tenant.idOf'(name: string): string | undefined;
  'tenant.nameOf'(id: string): string | undefined;
  'sync.fetch'(path: string): Fields | undefined;
  'sync.update'(path: string, value: string): void;
  'sync.delete'(path: string, isPrefix: boolean): void;
  'sync.watch'(path: string, timeoutMs: number, revision: number): readonly Fields[];
  /** Under `extension.file_root`; EXTENSION_NOT_ENABLED without one. */
  'file.read'(path: string): string;
  /** The names in a folder, sorted. */
  'file.list'(path: string): readonly string[];
  /** Undefined when there is nothing. */
  'file.stat'(path: string): { readonly isDirectory: boolean } | undefined;
  /** Replaces or makes a file; `extension.file_write`. */
  'file.write'(path: string, text: string): void;
  /** With the folders above it; no error when it is there. */
  'file.makeDirectory'(path: string): void;
  /** `extension.allow_exec`; EXTENSION_NOT_ENABLED without it. */
  'exec.run'(command: string, args: readonly string[]): { readonly status: 'success' | 'error'; readonly output: string };
  /** Ends early with EXTENSION_TIMEOUT or EXTENSION_ABORTED. */
  sleep(ms: number): void;

  /** Of tests only: opens the transaction that handlers see as that of the request. */
  'test.begin'(isolation: string): void;
  'test.end'(isCommit: boolean): void;
}

export type HostCallName = keyof HostCallTable;
