import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Collection, Document } from '../entity/types.ts';
import type { Compare, Etcd, KeyValue, TxnResponse, TxnResult } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { DocumentCopy } from './etcd-document-copy.ts';
import { isPassing, isUnknownOutcome, toStoreError } from './etcd-failure.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { EtcdMirror } from './etcd-mirror.ts';
import { checkSize } from './etcd-plan.ts';
import type { DocumentStore, EntityId } from './types.ts';

export interface EtcdDocumentsOptions {
  /** For what is read, and for what is written. */
  readonly etcd: Etcd;
  readonly writer: Etcd;
  readonly layout: EtcdLayout;
  readonly mirror: Pick<EtcdMirror, 'find' | 'modRevisionOf'>;
  /** How long one call may take with all its tries. Milliseconds. */
  readonly timeoutMs: number;
  /** Read while etcd is away. */
  readonly copy: DocumentCopy | undefined;
  /** False when etcd is known to be away. */
  readonly isReached: () => boolean;
}

interface StoredDocument {
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly data: unknown;
}

const PAGE = 500;
const MAX_TRIES = 20;
const PAUSE_MS = 10;
/** After a read that failed the copy is read for so long before etcd is asked again. */
const AWAY_MS = 1000;

/** Documents as keys of etcd. They are read there, so that what one node has written all nodes read; the copy on the disk is for when etcd is away. */
export function createEtcdDocuments(options: EtcdDocumentsOptions): DocumentStore {
  const { writer, layout, copy } = options;
  const { etcd, timeoutMs } = options;
  const read = createReader(options);
  const within = async <T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await work(AbortSignal.timeout(timeoutMs));
    } catch (error) {
      throw toStoreError(error, what);
    }
  };
  return {
    get(namespace, collection, id) {
      const key = layout.documents(namespace, collection) + id;
      return read(
        `the document ${id}`,
        async (signal) => {
          const [found] = (await etcd.range({ key }, signal)).kvs;
          return found && toDocument(namespace, collection, id, found);
        },
        (from) => {
          const found = from.get(key);
          return found && toDocument(namespace, collection, id, found);
        },
      );
    },
    list(namespace, collection, page) {
      const prefix = layout.documents(namespace, collection);
      const toList = (found: readonly Held[]) =>
        found.map((each) => toDocument(namespace, collection, each.key.slice(prefix.length), each));
      return read(
        `the list of the collection ${collection}`,
        async (signal) => toList(await readPage({ etcd, prefix, signal }, page)),
        (from) => toList(from.page(prefix, page.limit, page.offset)),
      );
    },
    count(namespace, collection) {
      const prefix = layout.documents(namespace, collection);
      return read(
        `the count of the collection ${collection}`,
        async (signal) => (await etcd.range({ prefix, countOnly: true }, signal)).count,
        (from) => from.count(prefix),
      );
    },
    put: (namespace, collection, id, data, checked) =>
      within(`the document ${id}`, async (signal) => {
        const key = layout.documents(namespace, collection) + id;
        const toCompare = createCollectionCompare(options, { kind: 'collection', namespace, name: collection }, checked);
        const { document, value, modRevision } = await putDocument({ writer, key, toCompare, signal }, data);
        copy?.take([{ key, value, modRevision }]);
        return { id, namespace, collection, ...document };
      }),
    delete: (namespace, collection, id) =>
      within(`the deletion of the document ${id}`, async () => {
        const key = layout.documents(namespace, collection) + id;
        const { responses, revision } = await writer.txn({ success: [{ delete: { key } }] });
        copy?.take([{ key, value: undefined, modRevision: revision }]);
        return toDeleted(responses[0]) > 0;
      }),
    deleteAll: (namespace, collection) =>
      within(`the deletion of the documents of ${collection}`, async () => {
        return await writer.delete({ prefix: layout.documents(namespace, collection) });
      }),
  };
}

type Read = <T>(what: string, fromEtcd: (signal: AbortSignal) => Promise<T>, fromCopy: (copy: DocumentCopy) => T) => Promise<T>;

/** Reads from etcd; from the copy, when there is a whole one, while etcd is away. */
function createReader({ timeoutMs, copy, isReached }: EtcdDocumentsOptions): Read {
  let awayUntil = Number.NEGATIVE_INFINITY;
  return async (what, fromEtcd, fromCopy) => {
    if (copy?.isWhole === true && (!isReached() || performance.now() < awayUntil)) return fromCopy(copy);
    try {
      return await fromEtcd(AbortSignal.timeout(timeoutMs));
    } catch (error) {
      if (copy?.isWhole !== true || !isPassing(error)) throw toStoreError(error, what, 'read');
      awayUntil = performance.now() + AWAY_MS;
      return fromCopy(copy);
    }
  };
}

/** The condition that the collection is still the one that the data was checked with; STORE_BUSY when it is known not to be. */
function createCollectionCompare(
  { layout, mirror }: EtcdDocumentsOptions,
  id: EntityId & { readonly kind: 'collection' },
  checked: Collection | undefined,
): () => Compare {
  return () => {
    const stored = mirror.find(id);
    if (checked !== undefined && stored !== undefined && !isDeepStrictEqual(stored['schema'], checked.schema)) throw isChanging(checked);
    return { key: layout.entity(id), target: 'modRevision', result: '=', value: mirror.modRevisionOf(id) };
  };
}

function toDeleted(response: TxnResponse | undefined): number {
  return response?.type === 'delete' ? response.deleted : 0;
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

interface PutDocument {
  readonly document: StoredDocument;
  readonly value: string;
  readonly modRevision: number;
}

async function putDocument({ writer, key, toCompare, signal }: Putting, data: unknown): Promise<PutDocument> {
  let old = { modRevision: 0, createdAt: '' };
  const dark: Dark = { unknown: undefined };
  const updatedAt = new Date().toISOString();
  for (let tries = 1; ; tries += 1) {
    const value = toDocumentValue({ createdAt: old.createdAt || updatedAt, updatedAt, data });
    checkSize(`the document ${key}`, value);
    const unchanged: Compare = { key, target: 'modRevision', result: '=', value: old.modRevision };
    const result = await tryTxn(signal, dark, () =>
      writer.txn({ compare: [toCompare(), unchanged], success: [{ put: { key, value } }], failure: [{ range: { key } }] }, signal),
    );
    const done = (modRevision: number): PutDocument => ({ document: JSON.parse(value) as StoredDocument, value, modRevision });
    if (result?.succeeded === true) return done(result.revision);
    const found = toFound(result);
    // The try before this one was made after all.
    if (found?.value.toString() === value) return done(found.modRevision);
    if (result !== undefined) {
      const isSame = (found?.modRevision ?? 0) === old.modRevision;
      if (tries >= MAX_TRIES) throw new SekishoError('STORE_BUSY', `the document ${key} is being changed all the time; try again`);
      // Nothing about the document has changed: it is the collection, which the mirror will know in a moment.
      if (isSame) await sleep(PAUSE_MS);
    }
    old = found === undefined ? { modRevision: 0, createdAt: '' } : { modRevision: found.modRevision, createdAt: parse(found).createdAt };
  }
}

/** The first try of which nobody knows how it went: a later one that is not sent at all does not tell. */
interface Dark {
  unknown: unknown;
}

/** Undefined when it is not known how the transaction went; it compares what it changes, so that it may be tried again. */
async function tryTxn(signal: AbortSignal, dark: Dark, work: () => Promise<TxnResult>): Promise<TxnResult | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isUnknownOutcome(error)) dark.unknown ??= error;
    if (signal.aborted || !isPassing(error)) throw dark.unknown ?? error;
    await sleep(PAUSE_MS);
    return undefined;
  }
}

function toFound(result: TxnResult | undefined): KeyValue | undefined {
  const answer = result?.responses[0];
  return answer?.type === 'range' ? answer.result.kvs[0] : undefined;
}

/** A key with the text of a document, from etcd or from the disk. */
interface Held {
  readonly key: string;
  readonly value: Buffer | string;
}

/** The document that a key holds. STORE_CORRUPT when it holds none. */
export function toDocument(namespace: string, collection: string, id: string, held: Held): Document {
  const { createdAt, updatedAt, data } = parse(held);
  return { id, namespace, collection, createdAt, updatedAt, data };
}

function parse({ key, value }: Held): StoredDocument {
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
