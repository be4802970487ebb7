import { crc32 } from 'node:zlib';
import type { Document } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { SqliteFile, SqliteReader, SqlRow } from './sqlite-file.ts';
import type { DocumentStore } from './types.ts';

const WHERE = 'WHERE namespace = ? AND collection = ?';
const COLUMNS = 'id, created_at, updated_at, data, sum';

/** What can be asked about the documents in a store's file. */
export function readFileDocuments(file: SqliteReader): Pick<DocumentStore, 'get' | 'list' | 'count'> {
  return {
    async get(namespace, collection, id) {
      const row = file.get(`SELECT ${COLUMNS} FROM documents ${WHERE} AND id = ?`, namespace, collection, id);
      return row && toFileDocument(namespace, collection, row);
    },
    async list(namespace, collection, { limit, offset }) {
      const rows = file.all(`SELECT ${COLUMNS} FROM documents ${WHERE} ORDER BY id LIMIT ? OFFSET ?`, namespace, collection, limit, offset);
      return rows.map((row) => toFileDocument(namespace, collection, row));
    },
    async count(namespace, collection) {
      return Number(file.get(`SELECT count(*) AS count FROM documents ${WHERE}`, namespace, collection)?.['count'] ?? 0);
    },
  };
}

/** Documents in the SQLite file of the store. `isUsed` tells whether a collection holds any. */
export function createFileDocuments(file: SqliteFile): DocumentStore & { isUsed(namespace: string, collection: string): boolean } {
  return {
    isUsed: (namespace, collection) => file.get(`SELECT 1 FROM documents ${WHERE} LIMIT 1`, namespace, collection) !== undefined,
    ...readFileDocuments(file),
    async put(namespace, collection, id, data) {
      const json = JSON.stringify(data ?? null);
      const now = new Date().toISOString();
      const createdAt = file.transaction(() => {
        const old = file.get(`SELECT created_at FROM documents ${WHERE} AND id = ?`, namespace, collection, id);
        const created = typeof old?.['created_at'] === 'string' ? old['created_at'] : now;
        const sum = toDocumentSum(namespace, collection, id, created, now, json);
        file.run('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)', namespace, collection, id, created, now, json, sum);
        return created;
      });
      return { id, namespace, collection, createdAt, updatedAt: now, data: JSON.parse(json) as unknown };
    },
    async delete(namespace, collection, id) {
      return file.transaction(() => file.run(`DELETE FROM documents ${WHERE} AND id = ?`, namespace, collection, id)) > 0;
    },
    async deleteAll(namespace, collection) {
      return file.transaction(() => file.run(`DELETE FROM documents ${WHERE}`, namespace, collection));
    },
  };
}

/** The document of a row. STORE_CORRUPT when it is damaged. */
export function toFileDocument(namespace: string, collection: string, row: SqlRow): Document {
  const { id, created_at: createdAt, updated_at: updatedAt, data, sum } = row;
  if (typeof id !== 'string' || typeof createdAt !== 'string' || typeof updatedAt !== 'string' || typeof data !== 'string')
    throw damaged(collection, id);
  if (sum !== toDocumentSum(namespace, collection, id, createdAt, updatedAt, data)) throw damaged(collection, id);
  return { id, namespace, collection, createdAt, updatedAt, data: JSON.parse(data) as unknown };
}

function damaged(collection: string, id: unknown): SekishoError {
  return new SekishoError('STORE_CORRUPT', `the document ${String(id)} of the collection ${collection} is damaged on the disk`);
}

/** The checksum of a row: of namespace, collection, id, both times and the data. */
export function toDocumentSum(...parts: readonly string[]): number {
  return crc32(JSON.stringify(parts));
}
