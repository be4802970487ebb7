import { isDeepStrictEqual } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { createFileStore, type FileStoreOptions } from './file-store.ts';
import { type StoreCalls, type StoreReply, type StoreRequest, toPlainError } from './store-messages.ts';
import type { Store } from './types.ts';

/** The thread of a file store: it alone waits for the disk. Started by `createThreadedFileStore` with the options as `workerData`. */
async function run(options: FileStoreOptions): Promise<void> {
  const reply = (message: StoreReply) => parentPort?.postMessage(message);
  let store: Store;
  try {
    store = createFileStore(options);
    reply({ type: 'opened', revision: (await store.load()).revision });
  } catch (error) {
    reply({ type: 'refused', error: toPlainError(error) });
    return;
  }
  const calls = toCalls(store, (watcher, update) => reply({ type: 'update', watcher, update }));
  parentPort?.on('message', ({ id, call, args }: StoreRequest) => {
    // The arguments were typed by the caller of the same table.
    const answer = (calls[call] as (...values: readonly unknown[]) => Promise<unknown>)(...args);
    answer.then(
      (value) => {
        reply({ type: 'result', id, value });
        if (call === 'close') parentPort?.close();
      },
      (error: unknown) => reply({ type: 'failure', id, error: toPlainError(error) }),
    );
  });
}

function toCalls(store: Store, onUpdate: (watcher: number, update: Parameters<Parameters<Store['watch']>[1]>[0]) => void): StoreCalls {
  const { documents } = store;
  const stops = new Map<number, () => void>();
  return {
    load: () => store.load(),
    put: (changes, { author, expect, masks }) =>
      store.put(changes, {
        author,
        ...(expect !== undefined && { expect }),
        isMask: (id) => masks.some((mask) => isDeepStrictEqual(mask, id)),
      }),
    history: (options) => store.history(options),
    async watch(watcher, from) {
      stops.set(
        watcher,
        store.watch(from, (update) => onUpdate(watcher, update)),
      );
    },
    async unwatch(watcher) {
      stops.get(watcher)?.();
      stops.delete(watcher);
    },
    close: () => store.close(),
    putDocument: (...args) => documents.put(...args),
    delete: (...args) => documents.delete(...args),
    deleteAll: (...args) => documents.deleteAll(...args),
  };
}

await run(workerData as FileStoreOptions);
