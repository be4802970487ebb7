import type { Change, Entities, EntityId } from '../entity/types.ts';
import type { SekishoError } from '../lib/errors.ts';
import { LiveRegistry } from './live-registry.ts';
import type { DocumentStore, HistoryRecord, Store } from './types.ts';

export interface RegistryOptions<Built> {
  readonly store: Store;
  /** Makes what serves `next`; `previous` is what is served now. Rejects when it can't: the change is refused then, and nothing of it stays. */
  readonly build: (next: Entities, previous: Entities | undefined) => Promise<Built>;
  /** Called for what was built and will not be served. */
  readonly discard?: (built: Built) => void;
  /** Serves `built` from now on. A change is acknowledged when the promise resolves; it must not reject: what is stored is served. */
  readonly swap: (built: Built, revision: number, hash: string) => void | Promise<void>;
  /** Entities of the configuration file: the layer below the store. */
  readonly base?: readonly Change[];
  /** Whether there is a namespace `default` as long as nobody deletes it; default true. */
  readonly createDefaultNamespace?: boolean;
  /** Changes that may wait for their turn; default 1000. */
  readonly maxWaiting?: number;
}

export interface ApplyOptions {
  /** Principal for the history. */
  readonly author: string;
  /** The revision that the change was made for. */
  readonly expect?: number;
  /** Stop after building. */
  readonly dryRun?: boolean;
}

export interface Applied {
  readonly revision: number;
  /** What the caller should know though the change was accepted, e.g. a certificate that expires. */
  readonly warnings: readonly string[];
}

/** An entity (or deletion) that is stored or configured but not served, and why. */
export interface Rejection extends EntityId {
  readonly error: SekishoError;
}

/**
 * The one way in which entities change:
 *
 *   apply ─► expect ─► references ─► certificates, schemas ─► build ─► store.put ─► store.watch ─► swap ─► resolved
 *
 * One change at a time; what fails before `put` leaves no trace. Changes of other writers come in by the watch and take the same way from `references` on.
 */
export interface Registry<Built = unknown> {
  entities(): Entities;
  /** What is served. */
  served(): Built;
  /** Revision of what is served. */
  revision(): number;
  hash(): string;
  /** Changes that were ever applied to the store. */
  changeCount(): number;
  /** Resolves when the changes are served. Rejects with ENTITY_*, COLLECTION_NOT_EMPTY, REVISION_MISMATCH, STORE_* or what `build` rejects with; then nothing was changed. */
  apply(changes: readonly Change[], options: ApplyOptions): Promise<Applied>;
  /** Puts other entities in place of the base layer. Rejects when they do not build; the layer before stays. The pointers of errors begin with `kind/namespace/name`. */
  setBase(changes: readonly Change[]): Promise<void>;
  rejected(): readonly Rejection[];
  /** Newest first. */
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryRecord[]>;
  /** Documents of collections that are served, checked against their schemas. */
  readonly documents: DocumentStore;
  /** Ends the watch and waits for the running change; the store stays open. */
  close(): Promise<void>;
}

/** Loads the store and serves it. Entities that do not build are left out and reported; rejects when not even an empty state builds, or when the store can't be read. */
export async function createRegistry<Built>(options: RegistryOptions<Built>): Promise<Registry<Built>> {
  const registry = new LiveRegistry(options);
  await registry.start();
  return registry;
}
