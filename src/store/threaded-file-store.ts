import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { toEntityId } from '../entity/entity-key.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { readFileDocuments } from './file-documents.ts';
import type { FileStoreOptions } from './file-store.ts';
import { openSqliteReader, type SqliteReader } from './sqlite-file.ts';
import { fromPlainError, type StoreCallName, type StoreCalls, type StoreReply } from './store-messages.ts';
import { checkBacklog } from './store-rules.ts';
import type { Store, StoreHealth, StoreUpdate } from './types.ts';

type Call = <N extends StoreCallName>(call: N, ...args: Parameters<StoreCalls[N]>) => ReturnType<StoreCalls[N]>;
type Watchers = Map<number, (update: StoreUpdate) => void>;

/**
 * A file store whose writes are made by a thread of its own, so that no request waits for an fsync; documents are read here, which costs microseconds.
 * Rejects like `createFileStore` throws.
 */
export async function createThreadedFileStore(options: FileStoreOptions): Promise<Store> {
  const watchers: Watchers = new Map();
  const thread = createStoreThread(options, watchers);
  try {
    let lastRevision = await thread.opened;
    const historyLimit = options.historyLimit ?? 10_000;
    const firstKept = await readFirstKept(thread.call, lastRevision, historyLimit);
    return toStore(thread, watchers, openSqliteReader(options.dir), {
      firstKept: () => Math.max(firstKept, lastRevision - historyLimit + 1),
      onPut: ({ revision }) => {
        lastRevision = revision;
      },
    });
  } catch (error) {
    await thread.close();
    throw error;
  }
}

/** Which updates can still be told to a watcher. */
interface Backlog {
  firstKept(): number;
  onPut(update: StoreUpdate): void;
}

function toStore({ call, close }: StoreThread, watchers: Watchers, reader: SqliteReader, backlog: Backlog): Store {
  const health: StoreHealth = { state: 'ok', since: new Date().toISOString() };
  let lastWatcher = 0;
  return {
    load: () => call('load'),
    async put(changes, { author, expect, isMask }) {
      const masks =
        isMask === undefined
          ? []
          : changes
              .filter(({ op }) => op === 'delete')
              .map(toEntityId)
              .filter(isMask);
      const update = await call('put', changes, { author, expect, masks });
      backlog.onPut(update);
      return update;
    },
    watch(from, onUpdate) {
      checkBacklog(from, backlog.firstKept());
      lastWatcher += 1;
      const watcher = lastWatcher;
      watchers.set(watcher, onUpdate);
      call('watch', watcher, from).catch((error: unknown) =>
        observe({ type: 'error', error: toSekishoError(error), where: 'store.watch' }),
      );
      return () => {
        if (watchers.delete(watcher)) call('unwatch', watcher).catch(() => undefined);
      };
    },
    history: (options) => call('history', options),
    documents: {
      ...readFileDocuments(reader),
      put: (namespace, collection, id, data) => call('putDocument', namespace, collection, id, data),
      delete: (...args) => call('delete', ...args),
      deleteAll: (...args) => call('deleteAll', ...args),
    },
    health: () => health,
    async close() {
      watchers.clear();
      reader.close();
      await close();
    },
  };
}

/** The oldest revision whose update can still be told, or the next one when none can. */
async function readFirstKept(call: Call, revision: number, historyLimit: number): Promise<number> {
  const [oldest] = await call('history', { limit: 1, before: Math.max(2, revision - historyLimit + 2) });
  return oldest?.revision ?? revision + 1;
}

interface StoreThread {
  /** The revision of the store, once it is open. */
  readonly opened: Promise<number>;
  readonly call: Call;
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: SekishoError) => void;
}

function createStoreThread(options: FileStoreOptions, watchers: Watchers): StoreThread {
  const worker = new Worker(new URL(`./store-thread${extname(import.meta.filename)}`, import.meta.url), {
    workerData: { ...options },
    name: 'store',
  });
  const pending = new Map<number, Pending>();
  const opened = Promise.withResolvers<number>();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let lastId = 0;
  let end: SekishoError | undefined;
  const fail = (error: SekishoError) => {
    end ??= error;
    opened.reject(end);
    for (const { reject } of pending.values()) reject(end);
    pending.clear();
  };
  worker.on('message', (reply: StoreReply) => receive(reply, { pending, watchers, opened, fail }));
  worker.on('error', (error) =>
    fail(
      new SekishoError('STORE_FAILED', 'the thread of the store failed; no change is accepted until the gateway is restarted', {
        cause: error,
      }),
    ),
  );
  worker.on('exit', () => fail(new SekishoError('STORE_FAILED', 'the store is closed')));

  const call: Call = (name, ...args) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    lastId += 1;
    if (end === undefined) {
      pending.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, call: name, args });
    } else reject(end);
    // The thread answers a call with what the call of that name gives.
    return promise as ReturnType<StoreCalls[typeof name]>;
  };
  return {
    opened: opened.promise,
    call,
    async close() {
      if (end === undefined) await call('close');
      await exited;
    },
  };
}

interface Receivers {
  readonly pending: Map<number, Pending>;
  readonly watchers: Watchers;
  readonly opened: PromiseWithResolvers<number>;
  readonly fail: (error: SekishoError) => void;
}

function receive(reply: StoreReply, { pending, watchers, opened, fail }: Receivers): void {
  if (reply.type === 'opened') opened.resolve(reply.revision);
  else if (reply.type === 'refused') fail(fromPlainError(reply.error));
  else if (reply.type === 'update') tell(watchers.get(reply.watcher), reply.update);
  else {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.type === 'failure') waiting?.reject(fromPlainError(reply.error));
    // The value belongs to the call of that id.
    else waiting?.resolve(reply.value as never);
  }
}

function tell(watcher: ((update: StoreUpdate) => void) | undefined, update: StoreUpdate): void {
  try {
    watcher?.(update);
  } catch (error) {
    observe({ type: 'error', error: toSekishoError(error), where: 'store.watch' });
  }
}
