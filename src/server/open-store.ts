import type { Settings } from '../config/settings.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createThreadedFileStore } from '../store/threaded-file-store.ts';
import type { Store } from '../store/types.ts';

/** The store that the configuration names. Its `dir` was checked with the configuration. */
export async function openStore({ storage }: Settings): Promise<Store> {
  if (storage.type === 'memory') return createMemoryStore({ historyLimit: storage.historyLimit });
  return await createThreadedFileStore({
    dir: storage.dir ?? '.',
    encryptionKey: storage.encryptionKey,
    encryptionKeyFile: storage.encryptionKeyFile,
    historyLimit: storage.historyLimit,
  });
}
