import type { Etcd, KeyValue } from '../etcd/types.ts';
import type { SyncAccess } from '../extension/host/host-calls.ts';

/** What scripts may do with etcd (`gohan_sync_*`, Gohan's `Sync()`): the keys are theirs, without a prefix of ours. */
export function createSyncAccess(etcd: Etcd): SyncAccess {
  return {
    async fetch(path, signal) {
      const { kvs, revision } = await etcd.range({ key: path }, signal);
      return kvs[0] === undefined ? undefined : { ...toNode(kvs[0]), revision };
    },
    async update(path, value) {
      await etcd.put(path, value);
    },
    async delete(path, isPrefix) {
      await etcd.delete(isPrefix ? { prefix: path } : { key: path });
    },
    watch: (path, timeoutMs, revision, signal) => firstChanges(etcd, path, timeoutMs, revision, signal),
  };
}

function toNode({ key, value, modRevision }: KeyValue): { readonly key: string; readonly value: string; readonly revision: number } {
  return { key, value: value.toString(), revision: modRevision };
}

/** The next changes below a path after a revision (0: from now on); none when the time is over. */
async function firstChanges(
  etcd: Etcd,
  path: string,
  timeoutMs: number,
  revision: number,
  signal: AbortSignal,
): ReturnType<SyncAccess['watch']> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<SyncAccess['watch']>>>();
  const done = (): void => resolve([]);
  const timer = setTimeout(done, timeoutMs);
  signal.addEventListener('abort', done, { once: true });
  const from = revision > 0 ? revision : (await etcd.range({ key: path }, signal)).revision;
  const watch = etcd.watch({
    prefix: path,
    fromRevision: from,
    onList({ kvs }) {
      const newer = kvs.filter(({ modRevision }) => modRevision > from);
      if (newer.length > 0) resolve(newer.map((kv) => ({ action: 'set', ...toNode(kv) })));
    },
    onEvents: (events) => resolve(events.map(({ type, kv }) => ({ action: type === 'put' ? 'set' : 'delete', ...toNode(kv) }))),
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    await watch.close();
  }
}
