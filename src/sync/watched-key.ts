import type { Etcd, KeyValue, Leadership, RangeResult, WatchEvent } from '../etcd/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { aborted } from './membership.ts';
import { WATCH_REVISION_PREFIX } from './names.ts';
import type { RunEvent } from './types.ts';

export interface WatchedKeyOptions {
  readonly etcd: Etcd;
  /** Prefix of the keys. */
  readonly prefix: string;
  /** A key that begins with `/<event>` runs `notification` of `sync://<event>`; the first that fits counts. */
  readonly events: readonly string[];
  readonly runEvent: RunEvent;
}

interface Change {
  readonly action: 'set' | 'delete';
  readonly key: string;
  readonly value: Buffer;
  /** Of the change; 0 when it is not known. */
  readonly revision: number;
}

/**
 * Follows the changes under a prefix until the term is over: one after the other, from where the last term left off; of a prefix that was never watched,
 * from now on. After a cut, or when etcd forgot what came meanwhile, the present values that are new are told, and the deletions of keys that were known.
 */
export async function followWatchedKey(options: WatchedKeyOptions, { fence, lost }: Leadership): Promise<void> {
  const { etcd, prefix } = options;
  const place = WATCH_REVISION_PREFIX + prefix;
  const stored = await etcd.range({ key: place }, lost);
  let placeRevision = stored.kvs[0]?.modRevision ?? 0;
  let last = toRevision(stored.kvs[0]) ?? stored.revision;
  const known = await knownKeys(options, last, lost);
  const over = new AbortController();
  const keep = async (revision: number): Promise<void> => {
    if (revision <= last) return;
    const result = await etcd.txn({
      compare: [fence, { key: place, target: 'modRevision', result: '=', value: placeRevision }],
      success: [{ put: { key: place, value: String(revision) } }],
    });
    if (!result.succeeded) throw new SekishoError('SYNC_DEPOSED', `another node follows ${prefix} now`);
    placeRevision = result.revision;
    last = revision;
  };
  /** What fails ends the term; the next one begins at the revision that is kept. */
  const guard = async (work: () => Promise<void>): Promise<void> => {
    if (lost.aborted || over.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!lost.aborted) observe({ type: 'error', error: toSekishoError(error), where: `watching ${prefix}` });
      over.abort();
    }
  };
  const tell = async (changes: readonly Change[], revision: number): Promise<void> => {
    for (const change of changes) {
      // An event that was begun is finished, and the lease is alive meanwhile; the fence tells when it is not.
      if (lost.aborted) return await keep(change.revision - 1);
      await notify(options, change);
    }
    await keep(revision);
  };
  const watch = etcd.watch({
    prefix,
    fromRevision: last,
    // Only what was missed is worth a list, and the watch lists by itself then.
    relistMs: 0,
    onList: (list) => guard(() => tell(missed(list, known, last), list.revision)),
    onEvents: (events, revision) => guard(() => tell(toChanges(events, known), revision)),
  });
  await aborted(AbortSignal.any([lost, over.signal]));
  await watch.close();
}

function toRevision(kv: KeyValue | undefined): number | undefined {
  const match = kv === undefined ? null : /\d+/.exec(kv.value.toString());
  return match === null ? undefined : Number(match[0]);
}

/** The keys that were there at a revision; none when etcd has forgotten it. */
async function knownKeys({ etcd, prefix }: WatchedKeyOptions, revision: number, signal: AbortSignal): Promise<Set<string>> {
  const known = new Set<string>();
  try {
    for await (const { kvs } of etcd.pages({ prefix, revision, keysOnly: true }, signal)) for (const { key } of kvs) known.add(key);
  } catch (error) {
    if (!(error instanceof SekishoError) || (error.code !== 'ETCD_COMPACTED' && error.code !== 'ETCD_FAILED')) throw error;
  }
  return known;
}

function missed({ kvs }: RangeResult, known: Set<string>, last: number): readonly Change[] {
  const present = new Set(kvs.map(({ key }) => key));
  const gone = [...known].filter((key) => !present.has(key));
  const changes = gone.map((key): Change => ({ action: 'delete', key, value: Buffer.alloc(0), revision: 0 }));
  for (const key of gone) known.delete(key);
  for (const { key, value, modRevision } of kvs.toSorted((a, b) => a.modRevision - b.modRevision)) {
    known.add(key);
    if (modRevision > last) changes.push({ action: 'set', key, value, revision: modRevision });
  }
  return changes;
}

function toChanges(events: readonly WatchEvent[], known: Set<string>): readonly Change[] {
  return events.map(({ type, kv }) => {
    if (type === 'put') known.add(kv.key);
    else known.delete(kv.key);
    return { action: type === 'put' ? 'set' : 'delete', key: kv.key, value: kv.value, revision: kv.modRevision };
  });
}

async function notify({ prefix, events, runEvent }: WatchedKeyOptions, { action, key, value }: Change): Promise<void> {
  // A prefix that has its own place in it would never come to rest.
  if (key.startsWith(WATCH_REVISION_PREFIX)) return;
  const event = events.find((one) => key.startsWith(`/${one}`));
  if (event === undefined) return observe({ type: 'sync.watched', prefix, key, action, outcome: 'unhandled' });
  try {
    await runEvent(`sync://${event}`, 'notification', { action, key, data: toData(key, action, value) });
    observe({ type: 'sync.watched', prefix, key, action, outcome: 'ok' });
  } catch (error) {
    observe({ type: 'sync.watched', prefix, key, action, outcome: 'failed', error: toSekishoError(error) });
  }
}

/** The value as an object; empty for anything else. */
function toData(key: string, action: Change['action'], value: Buffer): Readonly<Record<string, unknown>> {
  if (action === 'delete' && value.length === 0) return {};
  try {
    const data: unknown = JSON.parse(value.toString());
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  observe({ type: 'warning', text: `the value of ${key} is no JSON object; its handlers get {}` });
  return {};
}
