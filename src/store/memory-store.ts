import { emptyEntities, toEntityId, toEntityKey } from '../entity/entity-key.ts';
import type { Change, Entities, EntityKind, EntityTypes } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { FIRST_HASH, toChainHash, toHistoryChanges } from './change-record.ts';
import { createMemoryDocuments, type MemoryDocumentContents } from './memory-documents.ts';
import { checkBacklog, checkCollections, checkRevision } from './store-rules.ts';
import type { EntityId, HistoryRecord, Store, StoreHealth, StoreUpdate } from './types.ts';
import { createUpdateFeed } from './update-feed.ts';

export interface MemoryStoreOptions {
  /** Records of the history, and updates for late watchers, that are kept. */
  readonly historyLimit?: number;
  /** What another store held, which this one goes on with. */
  readonly contents?: MemoryContents;
}

/** Everything that a store in memory holds; survives a structured clone. */
export interface MemoryContents {
  readonly held: Held;
  readonly log: readonly Logged[];
  readonly documents: MemoryDocumentContents;
  readonly revision: number;
  readonly hash: string;
}

export interface MemoryStore extends Store {
  /** For the process that takes over. */
  contents(): MemoryContents;
}

interface Logged {
  readonly update: StoreUpdate;
  readonly record: HistoryRecord;
}

interface Held {
  readonly entities: { readonly [K in EntityKind]: Map<string, EntityTypes[K]> };
  readonly masked: Map<string, EntityId>;
}

/** A store that forgets everything when the process ends. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { contents } = options;
  const historyLimit = Math.max(1, options.historyLimit ?? 10_000);
  const held: Held = contents?.held ?? { entities: emptyEntities() as Held['entities'], masked: new Map() };
  const log: Logged[] = [...(contents?.log ?? [])];
  const feed = createUpdateFeed();
  const documents = createMemoryDocuments(contents?.documents);
  let revision = contents?.revision ?? 0;
  let hash = contents?.hash ?? FIRST_HASH;
  const health: StoreHealth = { state: 'ok', since: new Date().toISOString() };
  let isClosed = false;

  return {
    contents: () => ({ held, log, documents: documents.contents(), revision, hash }),
    async load() {
      return { entities: copyEntities(held.entities), revision, hash, masked: [...held.masked.values()] };
    },
    async put(changes, { author, expect, isMask = () => false }) {
      if (isClosed) throw new SekishoError('STORE_FAILED', 'the store is closed');
      checkRevision(expect, revision);
      const kept = structuredClone(changes);
      const before = (id: EntityId) => held.entities[id.kind].get(toEntityKey(id.kind, id.namespace, id.name));
      checkCollections(kept, before, documents.isUsed);
      const historyChanges = toHistoryChanges(kept, before);
      revision += 1;
      hash = toChainHash(hash, historyChanges);
      for (const change of kept) write(held, change, isMask);
      const update: StoreUpdate = { revision, hash, changes: kept };
      log.push({ update, record: { revision, at: new Date().toISOString(), author, changes: historyChanges, hash } });
      if (log.length > historyLimit) log.shift();
      feed.publish(update);
      return update;
    },
    watch(from, onUpdate) {
      checkBacklog(from, log[0]?.update.revision ?? revision + 1);
      return feed.watch(
        log.filter(({ update }) => update.revision > from).map(({ update }) => update),
        onUpdate,
      );
    },
    async history({ limit, before = Number.MAX_SAFE_INTEGER }) {
      const records: HistoryRecord[] = [];
      for (let i = log.length - 1; i >= 0 && records.length < limit; i -= 1) {
        const record = log[i]?.record;
        if (record !== undefined && record.revision < before) records.push(record);
      }
      return records;
    },
    documents,
    health: () => health,
    async close() {
      isClosed = true;
      feed.close();
    },
  };
}

function write({ entities, masked }: Held, change: Change, isMask: (id: EntityId) => boolean): void {
  const id = toEntityId(change);
  const key = toEntityKey(id.kind, id.namespace, id.name);
  const maskKey = `${id.kind}\n${key}`;
  masked.delete(maskKey);
  // Kind and entity of a change belong together.
  if (change.op === 'put') (entities[id.kind] as Map<string, unknown>).set(key, change.entity);
  else {
    entities[id.kind].delete(key);
    if (isMask(id)) masked.set(maskKey, id);
  }
}

function copyEntities(entities: Held['entities']): Entities {
  return {
    namespace: new Map(entities.namespace),
    domain: new Map(entities.domain),
    service: new Map(entities.service),
    route: new Map(entities.route),
    module: new Map(entities.module),
    collection: new Map(entities.collection),
    secret: new Map(entities.secret),
  };
}
