import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { createBackoff } from './backoff.ts';
import { hasCode, parseRefusal, toError } from './etcd-error.ts';
import { readAll, readRange } from './range.ts';
import type { MessageStream, Transport } from './transport.ts';
import type { Watch, WatchOptions } from './types.ts';
import { createWatchBatches, type WatchBatches } from './watch-batches.ts';
import { type Message, toMessage, toNumber, toText } from './wire.ts';
import { toKeyRange } from './wire-request.ts';

const RELIST_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5000;
const PATH = '/v3/watch';

/** Why the stream is left; `elsewhere` when the endpoint is to blame. */
class StreamEnd extends Error {
  readonly isElsewhere: boolean;

  constructor(reason: string, isElsewhere: boolean) {
    super(reason);
    this.isElsewhere = isElsewhere;
  }
}

/**
 * Follows a prefix: list, then the stream of what comes after the list, and a new list whenever the stream was cut.
 *
 *     list ─► stream from list.revision + 1 ─► events … ─► (relistMs: list, skip what it has) ─► events … ─► cut ─► pause ─► list
 *
 * A stream is never taken up where it was left: etcd numbers its messages with the newest revision of the store, not with that of
 * their events, so whoever continues after a message may miss some. A list costs more and cannot.
 */
export function createWatch(transport: Transport, options: WatchOptions): Watch {
  const closing = new AbortController();
  const ready = Promise.withResolvers<void>();
  // Nobody has to wait for it.
  ready.promise.catch(() => undefined);
  let isConnected: boolean | undefined;
  const tell = (now: boolean, reason?: string): void => {
    if (isConnected === now) return;
    isConnected = now;
    options.onConnected?.(now, reason);
  };
  const running = follow(transport, options, { signal: closing.signal, isReady: ready.resolve, tell });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    await running;
    ready.reject(new SekishoError('ETCD_UNAVAILABLE', 'the watch was closed before its first list'));
  };
  return { ready: ready.promise, close: () => (closed ??= close()) };
}

interface Progress {
  readonly signal: AbortSignal;
  isReady(): void;
  tell(isConnected: boolean, reason?: string): void;
}

async function follow(transport: Transport, options: WatchOptions, progress: Progress): Promise<void> {
  const { signal } = progress;
  const backoff = createBackoff(FIRST_PAUSE_MS, MAX_PAUSE_MS);
  let from = options.fromRevision;
  while (!signal.aborted) {
    let stream: MessageStream | undefined;
    try {
      const revision = await begin(transport, options, from, progress);
      from = undefined;
      stream = await openStream(transport, options.prefix, revision, signal);
      await readStream(transport, options, stream, revision, { ...progress, isReady: () => (progress.isReady(), backoff.reset()) });
    } catch (error) {
      if (signal.aborted) break;
      const reason = error instanceof Error ? error.message : String(error);
      if (stream !== undefined && error instanceof StreamEnd && error.isElsewhere) transport.fail(stream.endpoint, reason);
      progress.tell(false, reason);
      await sleep(backoff.next(), undefined, { signal }).catch(() => undefined);
    } finally {
      stream?.lines.close();
    }
  }
}

/** The revision after which the stream begins: that of a list which was handled, or `from` while etcd still has what comes after it. */
async function begin(transport: Transport, options: WatchOptions, from: number | undefined, progress: Progress): Promise<number> {
  if (from !== undefined) {
    const query = { ...anyKey(options.prefix), revision: from, countOnly: true };
    try {
      await readRange(transport, query, progress.signal);
      return from;
    } catch (error) {
      // `ETCD_FAILED`: a revision of the future; the cluster was restored from an older copy.
      if (!hasCode(error, 'ETCD_COMPACTED') && !hasCode(error, 'ETCD_FAILED')) throw error;
    }
  }
  const list = await readAll(transport, toListQuery(options), progress.signal);
  await options.onList(list);
  progress.isReady();
  return list.revision;
}

async function openStream(transport: Transport, prefix: string, revision: number, signal: AbortSignal): Promise<MessageStream> {
  const request = {
    ...toKeyRange({ prefix }),
    start_revision: String(revision + 1),
    progress_notify: true,
    fragment: true,
  };
  return await transport.stream(PATH, { create_request: request }, { signal });
}

/** Reads one stream until it ends, which is always a failure. */
async function readStream(transport: Transport, options: WatchOptions, stream: MessageStream, revision: number, progress: Progress) {
  const { signal } = progress;
  const batches = createWatchBatches(revision);
  const relistMs = (options.relistMs ?? RELIST_MS) || Number.POSITIVE_INFINITY;
  const nextRelist = (): number => performance.now() + relistMs * (0.9 + 0.1 * Math.random());
  const idleMs = Math.max(1000, 2 * transport.timeoutMs);
  let relistAt = nextRelist();
  let seen = revision;
  for (;;) {
    if (performance.now() >= relistAt) {
      seen = await relist(transport, options, batches, seen, signal);
      relistAt = nextRelist();
    }
    const waitMs = Math.max(0, Math.min(idleMs, relistAt - performance.now()));
    const next = await stream.lines.next(waitMs);
    signal.throwIfAborted();
    if (next.type === 'end') throw new StreamEnd(next.reason, true);
    if (next.type === 'idle') {
      if (waitMs === idleMs) await probe(transport, options.prefix, stream.endpoint, signal);
      continue;
    }
    const message = toResult(next.value);
    if (message.created === true) {
      progress.tell(true);
      progress.isReady();
    }
    const batch = batches.add(message);
    if (batch === undefined) continue;
    await options.onEvents(batch.events, batch.revision);
    seen = batch.revision;
  }
}

/** The message itself; throws when it says that the watch is over. A refused watch is `created` and `canceled` in one message. */
function toResult(value: unknown): Message {
  const { result, error } = toMessage(value);
  if (error !== undefined) throw toError(parseRefusal(error, 500), PATH);
  const message = toMessage(result);
  if (message.canceled !== true) return message;
  const compacted = toNumber(message.compact_revision);
  if (compacted > 0) throw new StreamEnd(`etcd has forgotten the revisions up to ${compacted}`, false);
  throw new StreamEnd(`etcd cancelled the watch: ${toText(message.cancel_reason) || 'without a reason'}`, true);
}

/** Compares with the truth while the stream waits. */
async function relist(
  transport: Transport,
  options: WatchOptions,
  batches: WatchBatches,
  seen: number,
  signal: AbortSignal,
): Promise<number> {
  const list = await readAll(transport, toListQuery(options), signal);
  if (list.revision < seen) throw new StreamEnd(`the revision went back from ${seen} to ${list.revision}`, false);
  await options.onList(list);
  batches.skipTo(list.revision);
  return list.revision;
}

/** Silence is the normal state of a watch, and that of a dead one: asks the member itself. etcd's own progress messages come only every ten minutes. */
async function probe(transport: Transport, prefix: string, endpoint: string, signal: AbortSignal): Promise<void> {
  const request = { ...toKeyRange(anyKey(prefix)), serializable: true, count_only: true };
  try {
    await transport.call('/v3/kv/range', request, { endpoint, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new StreamEnd(error instanceof Error ? error.message : 'no answer', true);
  }
}

function toListQuery({ prefix, keysOnly = false }: WatchOptions): { readonly prefix: string; readonly keysOnly: boolean } {
  return { prefix, keysOnly };
}

/** A key that whoever may read the prefix may ask for. */
function anyKey(prefix: string): { readonly key: string } {
  return { key: prefix === '' ? '\0' : prefix };
}
