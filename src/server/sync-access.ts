import type { Etcd, KeyValue } from '../etcd/types.ts';
import type { SyncAccess } from '../extension/host/host-calls.ts';
import { SekishoError } from '../lib/errors.ts';

/** A key as scripts get it. The segments of keys make a tree; one that is no key itself has an empty value. */
interface Node {
  readonly key: string;
  value: string;
  revision: number;
  readonly children: Node[];
}

/** A change, or a value that is there (`get`); `data` is the value as an object, empty for anything else. */
interface Change {
  readonly action: 'get' | 'set' | 'delete';
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly revision: number;
}

const MAX_KEYS = 10_000;

/** What scripts may do with etcd (`gohan_sync_*`, Gohan's `Sync()`): the keys are theirs, without a prefix of ours. */
export function createSyncAccess(etcd: Etcd): SyncAccess {
  return {
    async fetch(path, signal) {
      const own = (await etcd.range({ key: path }, signal)).kvs;
      const prefix = path.endsWith('/') ? path : `${path}/`;
      const found = [...own];
      for await (const { kvs } of etcd.pages({ prefix }, signal)) {
        found.push(...kvs.filter(({ key }) => key !== path));
        if (found.length > MAX_KEYS)
          throw new SekishoError('QUERY_INVALID', `more than ${MAX_KEYS} keys begin with ${prefix}; fetch fewer`);
      }
      return found.length === 0 ? undefined : { ...toTree(path, prefix, found) };
    },
    async update(path, value) {
      await etcd.put(path, value);
    },
    async delete(path, isPrefix) {
      await etcd.delete(isPrefix ? { prefix: path } : { key: path });
    },
    watch: async (path, timeoutMs, revision, signal) =>
      (await firstChanges(etcd, path, { timeoutMs, revision, signal })).map((change) => ({ ...change })),
  };
}

function toTree(path: string, prefix: string, kvs: readonly KeyValue[]): Node {
  const root: Node = { key: path, value: '', revision: 0, children: [] };
  const nodes = new Map([[path, root]]);
  for (const { key, value, modRevision } of kvs) {
    let node = root;
    for (let end = prefix.length; node.key !== key; end += 1) {
      const slash = key.indexOf('/', end);
      end = slash < 0 ? key.length : slash;
      node = childOf(node, key.slice(0, end), nodes);
    }
    node.value = value.toString();
    node.revision = modRevision;
  }
  return root;
}

function childOf(parent: Node, key: string, nodes: Map<string, Node>): Node {
  const known = nodes.get(key);
  if (known !== undefined) return known;
  const child: Node = { key, value: '', revision: 0, children: [] };
  nodes.set(key, child);
  parent.children.push(child);
  return child;
}

function toChange(action: Change['action'], { key, value, modRevision }: KeyValue): Change {
  return { action, key, data: toData(value), revision: modRevision };
}

function toData(value: Buffer): Change['data'] {
  try {
    const data: unknown = JSON.parse(value.toString());
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Change['data']) : {};
  } catch {
    return {};
  }
}

/** The oldest of the values with that prefix since a revision (0 or less: of all); when there are none, the next changes; none when the time is over. */
async function firstChanges(
  etcd: Etcd,
  prefix: string,
  { timeoutMs, revision, signal }: { readonly timeoutMs: number; readonly revision: number; readonly signal: AbortSignal },
): Promise<readonly Change[]> {
  let oldest: KeyValue | undefined;
  let from = 0;
  for await (const page of etcd.pages({ prefix, keysOnly: true }, signal)) {
    from ||= page.revision;
    for (const kv of page.kvs) if (kv.modRevision >= revision && kv.modRevision < (oldest?.modRevision ?? Infinity)) oldest = kv;
  }
  const [held] = oldest === undefined ? [] : (await etcd.range({ key: oldest.key, revision: from }, signal)).kvs;
  if (held !== undefined) return [toChange('get', held)];
  const { promise, resolve } = Promise.withResolvers<readonly Change[]>();
  const done = (): void => resolve([]);
  const timer = setTimeout(done, timeoutMs);
  signal.addEventListener('abort', done, { once: true });
  if (signal.aborted) done();
  const watch = etcd.watch({
    prefix,
    fromRevision: from,
    onList({ kvs }) {
      const newer = kvs.filter(({ modRevision }) => modRevision > from);
      if (newer.length > 0) resolve(newer.map((kv) => toChange('set', kv)));
    },
    onEvents: (events) => resolve(events.map(({ type, kv }) => toChange(type === 'put' ? 'set' : 'delete', kv))),
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    await watch.close();
  }
}
