import type { BackupControl } from '../admin/cluster-control.ts';
import type { Settings } from '../config/settings.ts';
import { VERSION } from '../lib/version.ts';
import { parseBackup, saveBackup } from '../store/backup.ts';
import { loadEncryptionKey } from '../store/encryption-key.ts';
import type { Registry } from '../store/registry.ts';
import { restoreBackup } from '../store/restore-backup.ts';
import { type SecretBox, toSecretBox } from '../store/secret-box.ts';
import type { Store } from '../store/types.ts';

/** Saves and restores what the store holds, with the key that the configuration names or that lies beside the store. */
export function createBackups(settings: Settings, store: Store, registry: Registry): BackupControl {
  const box = (): SecretBox | undefined => openBox(settings);
  return {
    save: () => saveBackup(store, box(), VERSION),
    restore: (backup, options) => restoreBackup(parseBackup(backup, box()), { store, registry, ...options }),
  };
}

/** Asked for each time: a file store makes its key with the first secret. A store in memory has one only when it is configured. */
function openBox({ storage }: Settings): SecretBox | undefined {
  const { type, dir = '.', encryptionKey, encryptionKeyFile } = storage;
  if (type === 'memory' && encryptionKey === undefined && encryptionKeyFile === undefined) return undefined;
  return toSecretBox(loadEncryptionKey({ dir, encryptionKey, encryptionKeyFile, mayGenerate: false }));
}
