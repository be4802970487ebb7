import type { Settings } from '../config/settings.ts';
import type { EtcdClient } from '../etcd/types.ts';
import { createEtcdStore } from '../store/etcd-store.ts';
import { createMemoryStore, type MemoryContents, type MemoryStore } from '../store/memory-store.ts';
import { createThreadedFileStore } from '../store/threaded-file-store.ts';
import type { Store } from '../store/types.ts';

/**
 * The store that the configuration names, on `etcd` when it is to be there; `contents` is what one in memory begins with. Its `dir` was checked with the
 * configuration.
 */
export async function openStore({ storage }: Settings, etcd?: EtcdClient, contents?: MemoryContents): Promise<Store | MemoryStore> {
  const { historyLimit, encryptionKey, encryptionKeyFile } = storage;
  if (storage.type === 'memory') return createMemoryStore({ historyLimit, ...(contents !== undefined && { contents }) });
  if (etcd !== undefined) {
    const { prefix, timeoutMs, dir } = storage;
    return await createEtcdStore({ etcd, prefix, dir, timeoutMs, historyLimit, encryptionKey, encryptionKeyFile });
  }
  return await createThreadedFileStore({ dir: storage.dir ?? '.', historyLimit, encryptionKey, encryptionKeyFile });
}
