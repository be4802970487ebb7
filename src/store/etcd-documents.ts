import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Collection, Document } from '../entity/types.ts';
import type { Compare, Etcd, KeyValue, TxnResult } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { isPassing, toStoreError } from './etcd-failure.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { EtcdMirror } from './etcd-mirror.ts';
import { checkSize } from './etcd-plan.ts';
import type { DocumentStore } from './types.ts';

export interface EtcdDocumentsOptions {
  /** For what is read, and for what is written. */
  readonly etcd: Etcd;
  readonly writer: Etcd;
  readonly layout: EtcdLayout;
  readonly mirror: Pick<EtcdMirror, 'find' | 'modRevisionOf'>;
  /** How long one call may take with all its tries. Milliseconds. */
  readonly timeoutMs: number;
}

interface StoredDocument {
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly data: unknown;
}

const PAGE = 500;
const MAX_TRIES = 20;

/** Documents as keys of etcd. They are read there and not kept here: what one node has written, all nodes read. */
export function createEtcdDocuments({ etcd, writer, layout, mirror, timeoutMs }: EtcdDocumentsOptions): DocumentStore {
  const within = async <T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await work(AbortSignal.timeout(timeoutMs));
    } catch (error) {
      throw toStoreError(error, what);
    }
  };
  return {
    get: (namespace, collection, id) =>
      within(`the document ${id}`, async (signal) => {
        const { kvs } = await etcd.range({ key: layout.documents(namespace, collection) + id }, signal);
        return kvs[0] && toDocument(namespace, collection, id, kvs[0]);
      }),
    list: (namespace, collection, options) =>
      within(`the list of the collection ${collection}`, async (signal) => {
        const prefix = layout.documents(namespace, collection);
        const kvs = await readPage({ etcd, prefix, signal }, options);
        return kvs.map((kv) => toDocument(namespace, collection, kv.key.slice(prefix.length), kv));
      }),
    count: (namespace, collection) =>
      within(`the count of the collection ${collection}`, async (signal) => {
        return (await etcd.range({ prefix: layout.documents(namespace, collection), countOnly: true }, signal)).count;
      }),
    put: (namespace, collection, id, data, checked) =>
      within(`the document ${id}`, async (signal) => {
        const collectionId = { kind: 'collection', namespace, name: collection } as const;
        const key = layout.documents(namespace, collection) + id;
        const toCompare = (): Compare => {
          const stored = mirror.find(collectionId);
          if (checked !== undefined && stored !== undefined && !isDeepStrictEqual(stored['schema'], checked.schema))
            throw isChanging(checked);
          return { key: layout.entity(collectionId), target: 'modRevision', result: '=', value: mirror.modRevisionOf(collectionId) };
        };
        const document = await putDocument({ writer, key, toCompare, signal }, data);
        return { id, namespace, collection, ...document };
      }),
    delete: (namespace, collection, id) =>
      within(`the deletion of the document ${id}`, async () => {
        return (await writer.delete({ key: layout.documents(namespace, collection) + id })) > 0;
      }),
    deleteAll: (namespace, collection) =>
      within(`the deletion of the documents of ${collection}`, async () => {
        return await writer.delete({ prefix: layout.documents(namespace, collection) });
      }),
  };
}

interface Reading {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** Documents of one revision; those before the offset are passed over by their keys alone. */
async function readPage(
  { etcd, prefix, signal }: Reading,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<readonly KeyValue[]> {
  const found: KeyValue[] = [];
  if (limit <= 0) return found;
  let after: string | undefined;
  let revision: number | undefined;
  let left = offset;
  if (left > 0) {
    for await (const page of etcd.pages({ prefix, keysOnly: true, limit: Math.min(left, 10 * PAGE) }, signal)) {
      revision = page.revision;
      const passed = page.kvs.slice(0, left);
      after = passed.at(-1)?.key ?? after;
      left -= passed.length;
      if (left === 0) break;
    }
    if (left > 0) return found;
  }
  const query = {
    prefix,
    limit: Math.min(limit, PAGE),
    ...(after !== undefined && { after }),
    ...(revision !== undefined && { revision }),
  };
  for await (const page of etcd.pages(query, signal)) {
    found.push(...page.kvs.slice(0, limit - found.length));
    if (found.length === limit) break;
  }
  return found;
}

/** The value of a document's key. */
export function toDocumentValue({ createdAt, updatedAt, data }: StoredDocument): string {
  return JSON.stringify({ createdAt, updatedAt, data: data ?? null });
}

interface Putting {
  readonly writer: Etcd;
  readonly key: string;
  /** The condition that the collection is still the one that the data was checked with. */
  readonly toCompare: () => Compare;
  readonly signal: AbortSignal;
}

async function putDocument({ writer, key, toCompare, signal }: Putting, data: unknown): Promise<StoredDocument> {
  let old = { modRevision: 0, createdAt: '' };
  const updatedAt = new Date().toISOString();
  for (let tries = 1; ; tries += 1) {
    const value = toDocumentValue({ createdAt: old.createdAt || updatedAt, updatedAt, data });
    checkSize(`the document ${key}`, value);
    const unchanged: Compare = { key, target: 'modRevision', result: '=', value: old.modRevision };
    const result = await tryTxn(signal, () =>
      writer.txn({ compare: [toCompare(), unchanged], success: [{ put: { key, value } }], failure: [{ range: { key } }] }, signal),
    );
    const stored = JSON.parse(value) as StoredDocument;
    if (result?.succeeded === true) return stored;
    const found = toFound(result);
    // The try before this one was made after all.
    if (found?.value.toString() === value) return stored;
    if (result !== undefined) {
      const isSame = (found?.modRevision ?? 0) === old.modRevision;
      if (tries >= MAX_TRIES) throw new SekishoError('STORE_BUSY', `the document ${key} is being changed all the time; try again`);
      // Nothing about the document has changed: it is the collection, which the mirror will know in a moment.
      if (isSame) await sleep(10);
    }
    old = found === undefined ? { modRevision: 0, createdAt: '' } : { modRevision: found.modRevision, createdAt: parse(found).createdAt };
  }
}

/** Undefined when it is not known how the transaction went; it compares what it changes, so that it may be tried again. */
async function tryTxn(signal: AbortSignal, work: () => Promise<TxnResult>): Promise<TxnResult | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted || !isPassing(error)) throw error;
    return undefined;
  }
}

function toFound(result: TxnResult | undefined): KeyValue | undefined {
  const answer = result?.responses[0];
  return answer?.type === 'range' ? answer.result.kvs[0] : undefined;
}

/** The document that a key holds. STORE_CORRUPT when it holds none. */
export function toDocument(namespace: string, collection: string, id: string, kv: KeyValue): Document {
  const { createdAt, updatedAt, data } = parse(kv);
  return { id, namespace, collection, createdAt, updatedAt, data };
}

function parse({ key, value }: KeyValue): StoredDocument {
  try {
    const parsed = JSON.parse(value.toString()) as Partial<StoredDocument> | null;
    if (typeof parsed?.createdAt === 'string' && typeof parsed.updatedAt === 'string')
      return { createdAt: parsed.createdAt, updatedAt: parsed.updatedAt, data: parsed.data };
  } catch {
    // The same as any other text that is no document.
  }
  throw new SekishoError('STORE_CORRUPT', `the document at ${key} in etcd is damaged, or was not written by a gateway`);
}

function isChanging({ name }: Collection): SekishoError {
  return new SekishoError('STORE_BUSY', `the collection ${name} is being changed; try again`);
}
