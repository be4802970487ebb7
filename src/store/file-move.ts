import { ENTITY_KINDS } from '../entity/entity-key.ts';
import type { Change, Document } from '../entity/types.ts';
import { toDocumentSum, toFileDocument } from './file-documents.ts';
import type { EntityRows } from './file-rows.ts';
import type { StoreContents } from './movable-store.ts';
import type { SqliteFile } from './sqlite-file.ts';
import type { HistoryRecord, StoreState } from './types.ts';

const BATCH = 1000;

interface Parts {
  readonly file: SqliteFile;
  readonly rows: EntityRows;
  readonly historyLimit: number;
}

/** All documents of the file, in the order of their keys. */
export async function* readAllFileDocuments(file: SqliteFile): AsyncGenerator<Document, void, undefined> {
  let last = ['', '', ''];
  for (;;) {
    const rows = file.all(
      `SELECT * FROM documents WHERE (namespace, collection, id) > (?, ?, ?) ORDER BY namespace, collection, id LIMIT ${BATCH}`,
      ...last,
    );
    for (const row of rows) yield toFileDocument(String(row['namespace']), String(row['collection']), row);
    const end = rows.at(-1);
    if (end === undefined) return;
    last = ['namespace', 'collection', 'id'].map((column) => String(end[column]));
  }
}

/** Fills the file with the contents: documents in steps, then everything else in one transaction. */
export async function adoptIntoFile(parts: Parts, { state, history, documents }: StoreContents): Promise<void> {
  const { file } = parts;
  file.transaction(() => file.run('DELETE FROM documents'));
  let batch: Document[] = [];
  const flush = (): void => {
    file.transaction(() => batch.forEach((document) => writeDocument(file, document)));
    batch = [];
  };
  for await (const document of documents) if (batch.push(document) === BATCH) flush();
  flush();
  file.transaction(() => writeState(parts, state, history));
}

function writeDocument(file: SqliteFile, { namespace, collection, id, createdAt, updatedAt, data }: Document): void {
  const json = JSON.stringify(data ?? null);
  const sum = toDocumentSum(namespace, collection, id, createdAt, updatedAt, json);
  file.run('INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)', namespace, collection, id, createdAt, updatedAt, json, sum);
}

function writeState({ file, rows, historyLimit }: Parts, state: StoreState, history: readonly HistoryRecord[]): void {
  for (const table of ['entities', 'history']) file.run(`DELETE FROM ${table}`);
  for (const kind of ENTITY_KINDS)
    for (const entity of state.entities[kind].values()) rows.write({ op: 'put', kind, entity } as Change, () => false);
  for (const id of state.masked) rows.write({ op: 'delete', ...id }, () => true);
  for (const { revision, at, author, hash, changes } of history.slice(-historyLimit)) {
    // Without the sealed changes, which the history does not hold: nobody watches from before the move.
    file.run('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)', revision, at, author, hash, JSON.stringify(changes), '');
  }
  file.run('UPDATE state SET revision = ?, hash = ?, entities = ?', state.revision, state.hash, rows.count());
}
