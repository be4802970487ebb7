import type { Settings } from '../config/settings.ts';
import { createFileStore } from '../store/file-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/types.ts';

/** The store that the configuration names. Its `dir` was checked with the configuration. */
export function openStore({ storage }: Settings): Store {
  if (storage.type === 'memory') return createMemoryStore({ historyLimit: storage.historyLimit });
  return createFileStore({
    dir: storage.dir ?? '.',
    encryptionKey: storage.encryptionKey,
    encryptionKeyFile: storage.encryptionKeyFile,
    historyLimit: storage.historyLimit,
  });
}
