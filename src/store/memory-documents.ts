import type { Document } from '../entity/types.ts';
import type { DocumentStore } from './types.ts';

interface Held {
  readonly createdAt: string;
  readonly updatedAt: string;
  /** JSON text: what is read is a copy, as from any other store. */
  readonly json: string;
}

interface HeldCollection {
  readonly byId: Map<string, Held>;
  /** Ids in order, until one comes or goes. */
  sorted: readonly string[] | undefined;
}

/** All documents of a store in memory; survives a structured clone. */
export type MemoryDocumentContents = ReadonlyMap<string, HeldCollection>;

export interface MemoryDocuments extends DocumentStore {
  /** Whether a collection holds any. */
  isUsed(namespace: string, collection: string): boolean;
  contents(): MemoryDocumentContents;
}

/** Documents in memory. */
export function createMemoryDocuments(contents?: MemoryDocumentContents): MemoryDocuments {
  const collections = new Map<string, HeldCollection>(contents);
  const find = (namespace: string, collection: string) => collections.get(JSON.stringify([namespace, collection]));

  return {
    contents: () => collections,
    isUsed: (namespace, collection) => (find(namespace, collection)?.byId.size ?? 0) > 0,
    async get(namespace, collection, id) {
      const held = find(namespace, collection)?.byId.get(id);
      return held && toDocument(namespace, collection, id, held);
    },
    async list(namespace, collection, { limit, offset }) {
      const held = find(namespace, collection);
      if (held === undefined) return [];
      held.sorted ??= [...held.byId.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      return held.sorted.slice(offset, offset + limit).flatMap((id) => {
        const found = held.byId.get(id);
        return found ? [toDocument(namespace, collection, id, found)] : [];
      });
    },
    async count(namespace, collection) {
      return find(namespace, collection)?.byId.size ?? 0;
    },
    async put(namespace, collection, id, data) {
      const held = find(namespace, collection) ?? { byId: new Map<string, Held>(), sorted: undefined };
      collections.set(JSON.stringify([namespace, collection]), held);
      const now = new Date().toISOString();
      const old = held.byId.get(id);
      if (old === undefined) held.sorted = undefined;
      const next: Held = { createdAt: old?.createdAt ?? now, updatedAt: now, json: JSON.stringify(data ?? null) };
      held.byId.set(id, next);
      return toDocument(namespace, collection, id, next);
    },
    async delete(namespace, collection, id) {
      const held = find(namespace, collection);
      if (held === undefined || !held.byId.delete(id)) return false;
      held.sorted = undefined;
      return true;
    },
    async deleteAll(namespace, collection) {
      const count = find(namespace, collection)?.byId.size ?? 0;
      collections.delete(JSON.stringify([namespace, collection]));
      return count;
    },
  };
}

function toDocument(namespace: string, collection: string, id: string, held: Held): Document {
  return { id, namespace, collection, createdAt: held.createdAt, updatedAt: held.updatedAt, data: JSON.parse(held.json) as unknown };
}
