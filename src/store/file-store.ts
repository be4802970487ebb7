import type { Change } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { FIRST_HASH, toChainHash, toHistoryChanges } from './change-record.ts';
import { loadEncryptionKey } from './encryption-key.ts';
import { createFileDocuments } from './file-documents.ts';
import { adoptIntoFile, readAllFileDocuments } from './file-move.ts';
import { type EntityRows, sealChanges, toEntityRows, unsealChanges } from './file-rows.ts';
import type { MovableStore } from './movable-store.ts';
import { type SecretBox, toSecretBox } from './secret-box.ts';
import { openSqliteFile, type SqliteFile, type SqlRow } from './sqlite-file.ts';
import { checkBacklog, checkCollections, checkRevision } from './store-rules.ts';
import type { EntityId, HistoryChange, HistoryRecord, StoreHealth, StoreUpdate } from './types.ts';
import { createUpdateFeed } from './update-feed.ts';

export interface FileStoreOptions {
  /** Folder of `sekisho.db` and `secret.key`; made if it is not there. */
  readonly dir: string;
  /** 32 bytes as hex or base64; without it and `encryptionKeyFile`, `secret.key` is used or made. */
  readonly encryptionKey?: string | undefined;
  readonly encryptionKeyFile?: string | undefined;
  /** Records of the history that are kept. */
  readonly historyLimit?: number | undefined;
}

interface Position {
  readonly revision: number;
  readonly hash: string;
}

/**
 * A store in an SQLite file that only this process may open. A change is one transaction with its history record, on the disk when `put` resolves.
 * Fails like `openSqliteFile` and `loadEncryptionKey`; nothing is overwritten then.
 */
export function createFileStore(options: FileStoreOptions): MovableStore {
  const file = openSqliteFile(options.dir);
  try {
    const box = openBox(file, options);
    return toStore(file, box, Math.max(1, options.historyLimit ?? 10_000));
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The box of the store's key; the fingerprint in the file tells that it is the key that the file was written with. */
function openBox(file: SqliteFile, options: FileStoreOptions): SecretBox {
  const known = file.get('SELECT key_check FROM state')?.['key_check'];
  const box = toSecretBox(loadEncryptionKey({ ...options, mayGenerate: known === undefined }));
  if (known === undefined) {
    file.transaction(() => file.run('INSERT INTO state VALUES (1, 0, ?, 0, ?)', FIRST_HASH, box.fingerprint));
  } else if (known !== box.fingerprint) {
    throw new SekishoError('STORE_KEY', `the encryption key is not the one that ${file.path} was written with; nothing was changed`);
  }
  return box;
}

function toStore(file: SqliteFile, box: SecretBox, historyLimit: number): MovableStore {
  const rows = toEntityRows(file, box);
  const documents = createFileDocuments(file);
  const feed = createUpdateFeed();
  let position = readPosition(file, rows);
  const health: StoreHealth = { state: 'ok', since: new Date().toISOString() };
  let isClosed = false;

  return {
    async load() {
      return { ...rows.readAll(), ...position };
    },
    async put(changes, { author, expect, isMask = () => false }) {
      if (isClosed) throw new SekishoError('STORE_FAILED', 'the store is closed');
      checkRevision(expect, position.revision);
      const kept = structuredClone(changes);
      position = file.transaction(() => {
        checkCollections(kept, rows.find, documents.isUsed);
        const next = writeChanges({ file, box, rows }, position, kept, author, isMask);
        file.run('DELETE FROM history WHERE revision <= ?', next.revision - historyLimit);
        return next;
      });
      const update: StoreUpdate = { ...position, changes: kept };
      feed.publish(update);
      return update;
    },
    watch(from, onUpdate) {
      const first = file.get("SELECT min(revision) AS first FROM history WHERE sealed <> ''")?.['first'];
      checkBacklog(from, typeof first === 'number' ? first : position.revision + 1);
      return feed.watch(from >= position.revision ? [] : readUpdates(file, box, from), onUpdate);
    },
    async history({ limit, before = Number.MAX_SAFE_INTEGER }) {
      return file
        .all('SELECT revision, at, author, hash, changes FROM history WHERE revision < ? ORDER BY revision DESC LIMIT ?', before, limit)
        .map(toRecord);
    },
    documents,
    allDocuments: () => readAllFileDocuments(file),
    async adopt(contents) {
      await adoptIntoFile({ file, rows, historyLimit }, contents);
      position = readPosition(file, rows);
    },
    health: () => health,
    async close() {
      isClosed = true;
      feed.close();
      file.close();
    },
  };
}

/** Where the history ends. State, history and rows were written by the same transactions, so that they have to agree. */
function readPosition(file: SqliteFile, rows: EntityRows): Position {
  const state = file.get('SELECT revision, hash, entities FROM state');
  const last = file.get('SELECT revision, hash FROM history ORDER BY revision DESC LIMIT 1') ?? { revision: 0, hash: FIRST_HASH };
  if (
    state === undefined ||
    state['revision'] !== last['revision'] ||
    state['hash'] !== last['hash'] ||
    state['entities'] !== rows.count()
  ) {
    throw new SekishoError('STORE_CORRUPT', `${file.path} is damaged: its state and its history disagree; nothing was changed`);
  }
  return { revision: Number(state['revision']), hash: String(state['hash']) };
}

interface Parts {
  readonly file: SqliteFile;
  readonly box: SecretBox;
  readonly rows: EntityRows;
}

/** Writes rows, history record and position; called inside a transaction. */
function writeChanges(
  parts: Parts,
  position: Position,
  changes: readonly Change[],
  author: string,
  isMask: (id: EntityId) => boolean,
): Position {
  const { file, box, rows } = parts;
  const historyChanges = toHistoryChanges(changes, rows.find);
  const next: Position = { revision: position.revision + 1, hash: toChainHash(position.hash, historyChanges) };
  let growth = 0;
  for (const change of changes) growth += rows.write(change, isMask);
  const record = [JSON.stringify(historyChanges), JSON.stringify(sealChanges(box, changes))] as const;
  file.run('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)', next.revision, new Date().toISOString(), author, next.hash, ...record);
  file.run('UPDATE state SET revision = ?, hash = ?, entities = entities + ?', next.revision, next.hash, growth);
  return next;
}

function readUpdates(file: SqliteFile, box: SecretBox, from: number): readonly StoreUpdate[] {
  return file.all('SELECT revision, hash, sealed FROM history WHERE revision > ? ORDER BY revision', from).map((row) => {
    const changes = unsealChanges(box, JSON.parse(String(row['sealed'])) as readonly Change[]);
    return { revision: Number(row['revision']), hash: String(row['hash']), changes };
  });
}

function toRecord(row: SqlRow): HistoryRecord {
  return {
    revision: Number(row['revision']),
    at: String(row['at']),
    author: String(row['author']),
    hash: String(row['hash']),
    changes: JSON.parse(String(row['changes'])) as readonly HistoryChange[],
  };
}
