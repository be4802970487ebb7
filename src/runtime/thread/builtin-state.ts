import { deserialize, serialize } from 'node:v8';
import { currentRequest } from './requests.ts';
import type { Host } from './state.ts';

interface DocumentInput {
  readonly id?: unknown;
  readonly collection?: unknown;
  readonly data?: unknown;
  readonly namespace?: unknown;
}

interface CollectionInput {
  readonly name?: unknown;
  readonly schema?: unknown;
  readonly visibility?: unknown;
  readonly type?: unknown;
  readonly namespace?: unknown;
}

const DEFAULT_LIMIT = 100;

/** `dgate/state`, `dgate/storage` and `sekisho/secrets`: the gateway's state, as far as the program's namespace goes. */
export function createStateModules(gateway: Host, namespace: string): { state: object; storage: object; secrets: object } {
  const call = async (name: string, ...args: unknown[]): Promise<unknown> =>
    await gateway.call(name, currentRequest.getStore()?.inv ?? 0, args);
  const json = async (name: string, ...args: unknown[]): Promise<unknown> => {
    const text = (await call(name, ...args)) as string | undefined;
    return text === undefined ? null : (JSON.parse(text) as unknown);
  };
  const own = (input: { readonly namespace?: unknown }): void => {
    if (input.namespace !== undefined && input.namespace !== '' && input.namespace !== namespace) {
      throw new Error(`a module may only change its own namespace (${namespace}), not ${JSON.stringify(input.namespace)}`);
    }
  };
  const getSecret = async (name: unknown): Promise<string | null> =>
    ((await call('getSecret', need(name, 'secret name'))) as string | undefined) ?? null;
  const state = {
    getCollection: async (name: unknown) => await json('getCollection', need(name, 'collection name')),
    getDocument: async (id: unknown, collection: unknown) =>
      await json('getDocument', need(collection, 'collection name'), need(id, 'document id')),
    getDocuments: async (query: { readonly collection?: unknown; readonly limit?: unknown; readonly offset?: unknown } = {}) =>
      await json(
        'listDocuments',
        need(query.collection, 'collection name'),
        Number(query.limit ?? DEFAULT_LIMIT),
        Number(query.offset ?? 0),
      ),
    addDocument: async (document: DocumentInput) => {
      own(document);
      await json(
        'putDocument',
        need(document.collection, 'collection name'),
        need(document.id, 'document id'),
        JSON.stringify(document.data ?? null),
      );
      return document;
    },
    deleteDocument: async (document: DocumentInput) => {
      own(document);
      await call('deleteDocument', need(document.collection, 'collection name'), need(document.id, 'document id'));
      return document;
    },
    addCollection: async (collection: CollectionInput) => {
      own(collection);
      const { name, schema, visibility, type } = collection;
      await call('putCollection', JSON.stringify({ name: need(name, 'collection name'), schema, visibility, type }));
      return collection;
    },
    deleteCollection: async (collection: CollectionInput) => {
      own(collection);
      await call('deleteCollection', need(collection.name, 'collection name'));
      return collection;
    },
    getSecret,
  };
  const storage = {
    /** The value that any module of the namespace stored, or null. */
    getCache: (id: unknown): unknown => {
      const bytes = gateway.callSync('getCache', 0, [need(id, 'cache id')]) as Uint8Array | undefined;
      return bytes === undefined ? null : deserialize(bytes);
    },
    /** Keeps a copy of the value for `ttl` seconds; without it until memory is short. */
    setCache: (id: unknown, value: unknown, options: { readonly ttl?: number } = {}): void => {
      const ttl = Number(options?.ttl ?? 0);
      if (Number.isNaN(ttl) || ttl < 0) throw new RangeError('TTL cannot be negative');
      gateway.callSync('setCache', 0, [need(id, 'cache id'), new Uint8Array(serialize(value)), ttl * 1000]);
    },
  };
  return { state, storage, secrets: { getSecret } };
}

function need(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(
    value === undefined || value === null || value === ''
      ? `${what} ${what === 'cache id' ? 'cannot be empty' : 'is required'}`
      : `${what} must be a string`,
  );
}
