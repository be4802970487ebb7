import type { Implementations } from './gohan-builtins.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread } from './types.ts';

/** `gohan_sync_*`. */
export function syncBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Sync']> {
  const during = <T>(doing: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!isHostCallError(error) || isFinal(error)) throw error;
      throw realm.error(`Failed to ${doing} sync: ${error.message}`, error);
    }
  };
  return {
    gohan_sync_fetch(path) {
      const node = during('fetch', () => thread.call('sync.fetch', path));
      if (node === undefined) throw realm.error(`Failed to fetch sync: Key not found (${path})`);
      return node;
    },
    gohan_sync_update: (path, value) => during('update', () => thread.call('sync.update', path, value)),
    gohan_sync_delete: (path, isPrefix) => during('delete', () => thread.call('sync.delete', path, isPrefix)),
    gohan_sync_watch: (path, timeoutMs, revision) =>
      during('watch', () => thread.call('sync.watch', path, timeoutMs, revision))[0] ?? realm.copy({}),
  };
}
