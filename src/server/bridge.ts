import { toNodeEntities } from '../entity/node-entities.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Entities } from '../entity/types.ts';
import type { Bridge } from '../runtime/types.ts';
import type { Registry } from '../store/registry.ts';

/** Joins module code to the gateway's state: its documents, collections and secrets. Changes go the same way as those of the admin API. What is not for nodes with these tags is not there. */
export function createBridge(registry: () => Registry, nodeTags: () => readonly string[]): Bridge {
  const entities = (): Entities => toNodeEntities(registry().entities(), nodeTags()).entities;
  return {
    getDocument: (namespace, collection, id) => registry().documents.get(namespace, collection, id),
    listDocuments: (namespace, collection, limit, offset) => registry().documents.list(namespace, collection, { limit, offset }),
    putDocument: (namespace, collection, id, data) => registry().documents.put(namespace, collection, id, data),
    deleteDocument: (namespace, collection, id) => registry().documents.delete(namespace, collection, id),
    async getCollection(namespace, name) {
      return entities().collection.get(`${namespace}/${name}`);
    },
    async putCollection(namespace, collection) {
      const entity = parseEntity('collection', { ...collection, namespace });
      await registry().apply([{ op: 'put', kind: 'collection', entity }], { author: `module:${namespace}` });
    },
    async deleteCollection(namespace, name) {
      await registry().apply([{ op: 'delete', kind: 'collection', namespace, name }], { author: `module:${namespace}` });
    },
    async getSecret(namespace, name) {
      return entities().secret.get(`${namespace}/${name}`)?.data;
    },
  };
}
