import { randomUUID } from 'node:crypto';
import { ENTITY_KINDS, toEntityId } from '../entity/entity-key.ts';
import type { Change, Document } from '../entity/types.ts';
import type { Etcd, TxnOperation } from '../etcd/types.ts';
import { MAX_OPERATIONS, toBatches } from './etcd-batches.ts';
import { toDocument, toDocumentValue } from './etcd-documents.ts';
import { toEntry } from './etcd-entry.ts';
import { toRecordValue } from './etcd-history.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { EtcdMirror } from './etcd-mirror.ts';
import { writeParts } from './etcd-parts.ts';
import { checkSize, type EtcdPlan, MAX_VALUE_BYTES } from './etcd-plan.ts';
import type { StoreContents } from './movable-store.ts';
import type { Body } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import type { HistoryRecord, StoreState } from './types.ts';

interface Parts {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly box: SecretBox;
  readonly mirror: EtcdMirror;
  readonly historyLimit: number;
}

/** All documents beneath the prefix, in the order of their keys. */
export async function* readAllEtcdDocuments(etcd: Etcd, layout: EtcdLayout): AsyncGenerator<Document, void, undefined> {
  for await (const page of etcd.pages({ prefix: layout.allDocuments })) {
    for (const kv of page.kvs) {
      const place = layout.toDocumentPlace(kv.key);
      if (place !== undefined) yield toDocument(place.namespace, place.collection, place.id, kv);
    }
  }
}

/** Writes documents and history, which nobody reads yet, and gives the plan of the change that makes them count. */
export async function prepareAdoption(parts: Parts, { state, history, documents }: StoreContents): Promise<EtcdPlan | undefined> {
  const { etcd, layout, historyLimit } = parts;
  for (const prefix of [layout.allDocuments, layout.history, layout.allParts]) await etcd.delete({ prefix });
  let batch: TxnOperation[] = [];
  const flush = async (): Promise<void> => {
    for (const success of toBatches(batch)) await etcd.txn({ success });
    batch = [];
  };
  for await (const document of documents) {
    const { namespace, collection, id, createdAt, updatedAt, data } = document;
    const value = toDocumentValue({ createdAt, updatedAt, data });
    checkSize(`the document ${id} of the collection ${collection}`, value);
    batch.push({ put: { key: layout.documents(namespace, collection) + id, value } });
    if (batch.length === MAX_OPERATIONS) await flush();
  }
  const kept = history.slice(-historyLimit);
  for (const record of kept.slice(0, -1)) {
    batch.push({ put: { key: layout.record(record.revision), value: await toRecord(parts, record) } });
    if (batch.length === MAX_OPERATIONS) await flush();
  }
  await flush();
  const last = kept.at(-1);
  if (last === undefined) return undefined;
  const { revision, hash } = state;
  const next = { revision, hash, store: randomUUID(), key: parts.box.fingerprint, modRevision: 0 };
  return { change: randomUUID(), next, records: [{ ...last, revision, hash }], values: toValues(parts, state), orphaning: [] };
}

/** The value of a record's key; what is large is written to parts. */
async function toRecord({ etcd, layout }: Parts, record: HistoryRecord): Promise<string> {
  const change = randomUUID();
  const value = toRecordValue(record, change);
  if (Buffer.byteLength(value) <= MAX_VALUE_BYTES) return value;
  const { revision, changes } = record;
  return toRecordValue(record, change, await writeParts({ etcd, layout, revision, change }, { changes, values: [] }));
}

/** Every key of an entity that is to be, and that is there now. */
function toValues({ layout, box, mirror }: Parts, { entities, masked }: StoreState): EtcdPlan['values'] {
  const values = new Map<string, string | undefined>();
  for (const { key } of mirror.entries()) values.set(key, undefined);
  for (const kind of ENTITY_KINDS) {
    for (const entity of entities[kind].values()) {
      const id = toEntityId({ op: 'put', kind, entity } as Change);
      const value = toEntry(box, id, entity as unknown as Body);
      checkSize(`the ${kind} ${id.name}`, value);
      values.set(layout.entity(id), value);
    }
  }
  for (const id of masked) values.set(layout.entity(id), toEntry(box, id, undefined));
  return values;
}
