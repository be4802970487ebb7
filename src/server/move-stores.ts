import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { createEtcdStore } from '../store/etcd-store.ts';
import { createFileStore } from '../store/file-store.ts';
import type { MovableStore } from '../store/movable-store.ts';
import { type MovedCounts, moveStore } from '../store/move-store.ts';
import { toStorageEtcd } from './etcd-options.ts';

export interface MoveStoresOptions {
  /** Configuration files; only their section `storage` counts. */
  readonly from: string;
  readonly to: string;
  readonly mayReplace: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Moves what the store of one configuration holds into that of another. Rejects with CONFIG_*, STORE_*; the source is never changed. */
export async function moveStores({ from, to, mayReplace, env, cwd }: MoveStoresOptions): Promise<MovedCounts> {
  const [source, target] = [from, to].map((path) => loadSettings({ env, cwd, path }).settings.storage);
  if (source === undefined || target === undefined || isSame(source, target))
    throw new SekishoError('CONFIG_INVALID', '--from and --to name the same store');
  const opened = await openStore(source, from);
  try {
    const other = await openStore(target, to);
    try {
      return await moveStore(opened, other, { mayReplace });
    } finally {
      await other.close();
    }
  } finally {
    await opened.close();
  }
}

type Storage = Settings['storage'];

function isSame(a: Storage, b: Storage): boolean {
  if (a.type !== b.type || a.type === 'memory') return false;
  return a.type === 'file' ? a.dir === b.dir : a.prefix === b.prefix && a.endpoints.some((endpoint) => b.endpoints.includes(endpoint));
}

async function openStore(storage: Storage, path: string): Promise<MovableStore> {
  const { type, dir = '.', prefix, timeoutMs, historyLimit, encryptionKey, encryptionKeyFile } = storage;
  if (type === 'memory')
    throw new SekishoError(
      'CONFIG_INVALID',
      `${path}: storage.type is memory, which ends with its process: save a running gateway with \`sekisho cluster snapshot FILE\` and give it to another with \`sekisho cluster restore FILE\``,
    );
  const etcd = toStorageEtcd({ storage });
  const key = { encryptionKey, encryptionKeyFile };
  if (etcd === undefined) return createFileStore({ dir, historyLimit, ...key });
  // Without `dir`: what another node has left on the disk is not what is stored.
  return await createEtcdStore({ etcd, prefix, timeoutMs, historyLimit, ...key });
}
