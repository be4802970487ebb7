import type { Change } from '../entity/types.ts';

/** A document as configured; the store sets its times. */
export interface InitDocument {
  readonly namespace: string;
  readonly collection: string;
  readonly id: string;
  readonly data: unknown;
}

/** The entities of `proxy.init_resources`, in an order in which each one only refers to earlier ones. Shapes are checked, references and contents are not. */
export interface InitResources {
  readonly changes: readonly Change[];
  readonly documents: readonly InitDocument[];
  /** `file:line:column` of each entity, by `entityKey`; documents by `document/namespace/collection/id`. */
  readonly places: ReadonlyMap<string, string>;
  /** Absolute path of every file that was read, with the keys of the entities that came from it: what to watch. */
  readonly files: ReadonlyMap<string, readonly string[]>;
}
