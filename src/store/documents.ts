import { toEntityKey } from '../entity/entity-key.ts';
import type { Collection, Entities } from '../entity/types.ts';
import { SekishoError, tellFirst } from '../lib/errors.ts';
import { compileDocumentSchema } from './document-schema.ts';
import type { DocumentStore } from './types.ts';

export interface GuardedDocumentsOptions {
  readonly documents: DocumentStore;
  readonly entities: () => Entities;
  /** True while a change is under way that deletes the collection or gives it another schema. */
  readonly isChanging: (namespace: string, collection: string) => boolean;
}

const MAX_ID_LENGTH = 255;

/**
 * The documents of collections that exist: ENTITY_NOT_FOUND for an unknown namespace or collection, DOCUMENT_INVALID (one entry per broken rule) for data that
 * breaks the collection's schema. Whether a private collection may be read is for the caller to decide.
 */
export function guardDocuments({ documents, entities, isChanging }: GuardedDocumentsOptions): DocumentStore {
  const find = (namespace: string, name: string): Collection => {
    const { namespace: namespaces, collection: collections } = entities();
    if (!namespaces.has(namespace)) throw new SekishoError('ENTITY_NOT_FOUND', `namespace not found: ${namespace}`);
    const collection = collections.get(toEntityKey('collection', namespace, name));
    if (collection === undefined) throw new SekishoError('ENTITY_NOT_FOUND', `collection not found: ${name}`);
    if (collection.type !== 'document') throw new SekishoError('DOCUMENT_INVALID', 'collection is not a document collection');
    return collection;
  };

  return {
    async get(namespace, collection, id) {
      find(namespace, collection);
      return await documents.get(namespace, collection, id);
    },
    async list(namespace, collection, options) {
      find(namespace, collection);
      return await documents.list(namespace, collection, options);
    },
    async count(namespace, collection) {
      find(namespace, collection);
      return await documents.count(namespace, collection);
    },
    async put(namespace, collection, id, data) {
      const found = find(namespace, collection);
      checkId(id);
      checkData(found, data);
      if (isChanging(namespace, collection))
        throw new SekishoError('STORE_BUSY', `the collection ${collection} is being changed; try again`);
      return await documents.put(namespace, collection, id, data, found);
    },
    async delete(namespace, collection, id) {
      find(namespace, collection);
      return await documents.delete(namespace, collection, id);
    },
    async deleteAll(namespace, collection) {
      find(namespace, collection);
      return await documents.deleteAll(namespace, collection);
    },
  };
}

function checkId(id: string): void {
  if (id !== '' && id.length <= MAX_ID_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(id)) return;
  throw new SekishoError('DOCUMENT_INVALID', `the id of a document has 1 to ${MAX_ID_LENGTH} characters, none of them a control character`);
}

function checkData(collection: Collection, data: unknown): void {
  const errors = compileDocumentSchema(collection)(data);
  if (errors.length === 0) return;
  throw new SekishoError('DOCUMENT_INVALID', `the document does not match the schema of ${collection.name}: ${tellFirst(errors)}`, {
    errors,
  });
}
