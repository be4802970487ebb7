import type { Document } from '../entity/types.ts';
import type { HistoryRecord, Store, StoreState } from './types.ts';

/** Everything that a store holds. */
export interface StoreContents {
  readonly state: StoreState;
  /** Oldest first; the last one is of the state's revision. */
  readonly history: readonly HistoryRecord[];
  readonly documents: AsyncIterable<Document>;
}

/** A store that can take the place of another one: what it holds outlives the process. */
export interface MovableStore extends Store {
  /** The documents of all collections, also of those that the configuration file defines. */
  allDocuments(): AsyncIterable<Document>;
  /** Holds these contents from now on and nothing else, with their revision, hash and history. Not while a registry uses the store. */
  adopt(contents: StoreContents): Promise<void>;
}
