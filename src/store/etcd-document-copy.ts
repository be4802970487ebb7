import type { Etcd, KeyValue, RangeResult, TxnOperation, Watch, WatchEvent } from '../etcd/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import {
  type CopyPlace,
  type DocumentFile,
  documentFilePath,
  type KeptDocument,
  openDocumentFile,
  removeDocumentFile,
} from './document-file.ts';
import type { EtcdLayout } from './etcd-layout.ts';

export interface DocumentCopyOptions {
  readonly etcd: Etcd;
  readonly layout: Pick<EtcdLayout, 'allDocuments'>;
  readonly dir: string;
  /** Tells which store in etcd is followed now. */
  readonly store: () => string;
  /** How often the copy is compared with all keys. Milliseconds; 300000 by default. */
  readonly relistMs?: number | undefined;
}

/** Documents of a store in etcd on the disk of this node, for the time when etcd is away. What can't be read throws. */
export interface DocumentCopy extends Pick<DocumentFile, 'get' | 'page' | 'count'> {
  /** It holds all documents, be it as they were a while ago. */
  readonly isWhole: boolean;
  /** Begins to follow etcd: what is followed is known now. */
  follow(): void;
  /** Takes over what this process has just stored, so that it reads what it wrote. */
  take(documents: readonly KeptDocument[]): void;
  close(): Promise<void>;
}

const RELIST_MS = 300_000;
/** Documents that are fetched in one transaction; beyond so many differences all of them are read. */
const BATCH = 20;
const MAX_FETCHED = 500;

/** The copy in `dir`; one that can't be used is told and made anew. */
export function createDocumentCopy(options: DocumentCopyOptions): DocumentCopy {
  return new EtcdDocumentCopy(options);
}

class EtcdDocumentCopy implements DocumentCopy {
  readonly #options: DocumentCopyOptions;
  #file: DocumentFile | undefined;
  #watch: Watch | undefined;
  /** The failure that was told last. */
  #problem = '';

  constructor(options: DocumentCopyOptions) {
    this.#options = options;
    const file = this.#open();
    if (file?.place.isWhole !== true) return;
    if (file.place.prefix === options.layout.allDocuments) this.#tell('loaded', file.place.revision);
  }

  get isWhole(): boolean {
    const { isWhole = false, prefix, store = '' } = this.#file?.place ?? {};
    const isSameStore = store === '' || store === this.#options.store();
    return isWhole && isSameStore && prefix === this.#options.layout.allDocuments;
  }

  follow(): void {
    const { etcd, layout, relistMs = RELIST_MS } = this.#options;
    this.#watch ??= etcd.watch({
      prefix: layout.allDocuments,
      keysOnly: true,
      relistMs,
      onList: (list) => this.#guarded(() => this.#onList(list)),
      onEvents: (events, revision) => this.#guarded(async () => this.#onEvents(events, revision)),
    });
  }

  get(key: string): ReturnType<DocumentFile['get']> {
    return this.#reading((file) => file.get(key));
  }

  page(prefix: string, limit: number, offset: number): ReturnType<DocumentFile['page']> {
    return this.#reading((file) => file.page(prefix, limit, offset));
  }

  count(prefix: string): number {
    return this.#reading((file) => file.count(prefix));
  }

  take(documents: readonly KeptDocument[]): void {
    const file = this.#file;
    if (file?.place.isWhole !== true) return;
    try {
      file.take(documents, file.place);
    } catch (error) {
      // The watch brings it again.
      this.#fail(error);
    }
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#file?.close();
    this.#file = undefined;
  }

  #reading<T>(read: (file: DocumentFile) => T): T {
    if (this.#file === undefined) throw new SekishoError('STORE_FAILED', 'there is no copy of the documents on the disk');
    try {
      return read(this.#file);
    } catch (error) {
      this.#fail(error);
      throw new SekishoError(
        'STORE_FAILED',
        `etcd is away, and the copy of the documents can't be read: ${toSekishoError(error).message}`,
        {
          cause: error,
        },
      );
    }
  }

  /** One that is damaged is made anew; undefined, and told, when there can be none. */
  #open(mayReplace = true): DocumentFile | undefined {
    const { dir } = this.#options;
    try {
      this.#file = openDocumentFile(dir);
      return this.#file;
    } catch (error) {
      const isReplaced = mayReplace && isDamage(error);
      this.#tell(isReplaced ? 'ignored' : 'failed', undefined, toReason(error));
      if (!isReplaced) return undefined;
      removeDocumentFile(dir);
      return this.#open(false);
    }
  }

  /** A failure is one of the watch, which lists anew after a pause. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      if (this.#file === undefined && this.#open() === undefined)
        throw new SekishoError('STORE_FAILED', 'the copy of the documents has no file');
      await work();
      this.#problem = '';
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    const reason = toReason(error);
    if (error instanceof SekishoError && (error.code.startsWith('ETCD_') || error.code === 'STORE_FAILED')) return;
    if (reason !== this.#problem) this.#tell('failed', undefined, reason);
    this.#problem = reason;
    if (!isDamage(error) || this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    removeDocumentFile(this.#options.dir);
  }

  async #onList({ kvs, revision }: RangeResult): Promise<void> {
    const file = this.#opened();
    const { layout, store } = this.#options;
    const next: CopyPlace = { prefix: layout.allDocuments, store: store(), revision, isWhole: true };
    const { place } = file;
    const isOther = place.prefix !== next.prefix || place.store !== next.store || place.revision > revision;
    if (isOther) file.clear({ ...next, isWhole: false });
    const known = file.revisions();
    const missing = kvs.filter(({ key, modRevision }) => known.get(key) !== modRevision);
    const present = new Set(kvs.map(({ key }) => key));
    const gone = [...known.keys()].filter((key) => !present.has(key)).map((key) => ({ key, value: undefined, modRevision: revision }));
    for await (const some of this.#fetch(missing, revision)) file.take(some, file.place);
    file.take(gone, next);
    if (!place.isWhole || isOther) this.#tell('written', revision);
  }

  async *#fetch(missing: readonly KeyValue[], revision: number): AsyncGenerator<readonly KeptDocument[], void, undefined> {
    const { etcd, layout } = this.#options;
    if (missing.length > MAX_FETCHED) {
      for await (const { kvs } of etcd.pages({ prefix: layout.allDocuments, revision })) yield kvs.map(toKept);
      return;
    }
    for (let i = 0; i < missing.length; i += BATCH) {
      const success = missing.slice(i, i + BATCH).map(({ key }): TxnOperation => ({ range: { key, revision } }));
      const { responses } = await etcd.txn({ success });
      yield responses.flatMap((response) => (response.type === 'range' ? response.result.kvs.map(toKept) : []));
    }
  }

  #onEvents(events: readonly WatchEvent[], revision: number): void {
    const file = this.#opened();
    if (!file.place.isWhole) throw new SekishoError('STORE_FAILED', 'the copy of the documents is to be read anew');
    const documents = events.map(({ type, kv }) =>
      type === 'put' ? toKept(kv) : { key: kv.key, value: undefined, modRevision: kv.modRevision },
    );
    // What goes on where the list ended is of the same store, though its first change may have given it its name only now.
    file.take(documents, { ...file.place, store: this.#options.store(), revision });
  }

  #opened(): DocumentFile {
    if (this.#file === undefined) throw new SekishoError('STORE_FAILED', 'the copy of the documents is closed');
    return this.#file;
  }

  #tell(outcome: 'written' | 'loaded' | 'ignored' | 'failed', revision?: number, reason?: string): void {
    const path = documentFilePath(this.#options.dir);
    observe({
      type: 'store.snapshot',
      outcome,
      path,
      ...(revision !== undefined && { revision }),
      ...(reason !== undefined && { reason }),
    });
  }
}

function toKept({ key, value, modRevision }: KeyValue): KeptDocument {
  return { key, value: value.toString(), modRevision };
}

/** SQLITE_CORRUPT, SQLITE_NOTADB, and rows whose checksum is wrong. */
function isDamage(error: unknown): boolean {
  if (error instanceof SekishoError) return error.code === 'STORE_CORRUPT';
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
  return code === 11 || code === 26;
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
