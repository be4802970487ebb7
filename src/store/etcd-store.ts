import { randomUUID } from 'node:crypto';
import type { Change } from '../entity/types.ts';
import { createEtcd } from '../etcd/client.ts';
import type { Etcd, EtcdClient, EtcdOptions } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { loadEncryptionKey } from './encryption-key.ts';
import { createDocumentCopy, type DocumentCopy } from './etcd-document-copy.ts';
import { createEtcdDocuments } from './etcd-documents.ts';
import { toStoreError } from './etcd-failure.ts';
import { createEtcdFollower, type EtcdFollower } from './etcd-follower.ts';
import { createEtcdHealth, type EtcdHealth } from './etcd-health.ts';
import { readHistory } from './etcd-history.ts';
import { type EtcdLayout, toEtcdLayout } from './etcd-layout.ts';
import { createEtcdMirror, type EtcdMirror } from './etcd-mirror.ts';
import { prepareAdoption, readAllEtcdDocuments } from './etcd-move.ts';
import type { PartsBody } from './etcd-parts.ts';
import { type EtcdPlan, toEtcdPlan } from './etcd-plan.ts';
import { createSnapshotFile, type SnapshotFile } from './etcd-snapshot.ts';
import { awaitFirstState } from './etcd-start.ts';
import type { EtcdPosition } from './etcd-state.ts';
import { trimHistory } from './etcd-trim.ts';
import { createEtcdTurns, type EtcdTurns } from './etcd-turns.ts';
import { finishPending, fitsTransaction, type TurnKeys, type WriterOptions, type Written, writePlan } from './etcd-writer.ts';
import type { MovableStore, StoreContents } from './movable-store.ts';
import { type SecretBox, toSecretBox } from './secret-box.ts';
import { createSerialQueue, type SerialQueue } from './serial-queue.ts';
import { checkRevision } from './store-rules.ts';
import type { EntityId, PutOptions, PutStep, Store, StoreUpdate } from './types.ts';
import { createUpdateFeed } from './update-feed.ts';
import { createUpdateLog } from './update-log.ts';

export interface EtcdStoreOptions {
  /** A client that the caller closes after the store, or what the store is to make its own one of. */
  readonly etcd: EtcdClient | EtcdOptions;
  /** Beginning of all keys; one for each fleet. */
  readonly prefix: string;
  /** Folder of the last good state, from which a node starts when etcd is away; without one it does not. */
  readonly dir?: string | undefined;
  /** 32 bytes as hex or base64, here or in a file; the same for all nodes. */
  readonly encryptionKey?: string | undefined;
  readonly encryptionKeyFile?: string | undefined;
  /** Records of the history that are kept. */
  readonly historyLimit?: number | undefined;
  /** How long a change or a document may take, with all tries on all members. Milliseconds; 5000 by default. */
  readonly timeoutMs?: number | undefined;
  /** How long etcd is waited for at the start when there is no last good state. Milliseconds; 30000 by default. */
  readonly startTimeoutMs?: number | undefined;
  /** How often what is known is compared with a whole list. Milliseconds; 60000 by default. */
  readonly relistMs?: number | undefined;
}

const TIMEOUT_MS = 5000;
const START_TIMEOUT_MS = 30_000;
/** Of the time for all tries, what one may take: a member that hangs must leave time for the others. */
const READ_SHARE = 0.4;
/** A leader that ends takes what was proposed with it, and etcd does not say so; a write that is tried again compares what it changes. */
const WRITE_SHARE = 0.2;
/** With less than that no other try is begun: it would end without an answer. */
const LEAST_SHARE = 0.1;
const ADOPT_TIMEOUT_MS = 60_000;
const FINISH_TIMEOUT_MS = 60_000;
/** How long the node that made a change has for bringing it to its keys before others help. */
const FINISH_PATIENCE_MS = 1000;
const MAX_WAITING = 1000;
const MAX_LOG = 1000;

/**
 * A store that several nodes share. A change is one transaction of etcd that compares the state it was made for; what the nodes know of the store follows by a
 * watch and is kept in memory, so that reading entities asks nobody. STORE_KEY, STORE_FAILED when etcd gives no state and the disk has none.
 */
export async function createEtcdStore(options: EtcdStoreOptions): Promise<MovableStore> {
  const box = openBox(options);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const client = 'withTimeout' in options.etcd ? options.etcd : createEtcd(options.etcd);
  const store = new EtcdStore(options, {
    etcd: client.withTimeout(Math.ceil(timeoutMs * READ_SHARE)),
    writer: client.withTimeout(Math.ceil(timeoutMs * WRITE_SHARE)),
    own: client === options.etcd ? undefined : client,
    box,
    timeoutMs,
  });
  try {
    await store.start(options.startTimeoutMs ?? START_TIMEOUT_MS);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openBox({ dir = '.', encryptionKey, encryptionKeyFile }: EtcdStoreOptions): SecretBox {
  if (encryptionKey === undefined && encryptionKeyFile === undefined)
    throw new SekishoError(
      'STORE_KEY',
      'a store on etcd needs storage.encryption_key or storage.encryption_key_file, the same on all nodes',
    );
  return toSecretBox(loadEncryptionKey({ dir, encryptionKey, encryptionKeyFile, mayGenerate: false }));
}

interface Parts {
  /** For what is read and followed, and for what is written. */
  readonly etcd: Etcd;
  readonly writer: Etcd;
  /** The client of both, when nobody else has it. */
  readonly own: EtcdClient | undefined;
  readonly box: SecretBox;
  readonly timeoutMs: number;
}

class EtcdStore implements MovableStore {
  readonly documents: Store['documents'];
  readonly turns: EtcdTurns;
  readonly #parts: Parts;
  readonly #layout: EtcdLayout;
  readonly #writer: WriterOptions;
  readonly #mirror: EtcdMirror;
  readonly #turnKey: string;
  readonly #health: EtcdHealth;
  readonly #snapshot: SnapshotFile | undefined;
  readonly #copy: DocumentCopy | undefined;
  readonly #queue: SerialQueue = createSerialQueue(MAX_WAITING);
  readonly #feed = createUpdateFeed();
  readonly #log;
  readonly #relistMs: number | undefined;
  #follower: EtcdFollower | undefined;
  #isFinishing = false;
  /** The last change of this node whose entities are being written to their keys. */
  #finishing: Promise<void> = Promise.resolve();
  /** Records that are too old are gone, or are being deleted. */
  #isTrimmed = true;
  #trimming: Promise<void> = Promise.resolve();
  readonly #ending = new AbortController();
  #isClosed = false;

  constructor(options: EtcdStoreOptions, parts: Parts) {
    const historyLimit = Math.max(1, options.historyLimit ?? 10_000);
    this.#parts = parts;
    this.#relistMs = options.relistMs;
    this.#layout = toEtcdLayout(options.prefix);
    this.#writer = { etcd: parts.writer, layout: this.#layout, historyLimit };
    this.#mirror = createEtcdMirror(this.#layout, parts.box);
    this.#turnKey = this.#layout.turns + randomUUID();
    this.turns = createEtcdTurns({
      own: this.#turnKey,
      reserve: () => void parts.writer.put(this.#turnKey, '').catch(() => undefined),
      release: () => void parts.writer.delete({ key: this.#turnKey }).catch(() => undefined),
      isNeeded: () => this.#health.now.state === 'ok',
    });
    this.#log = createUpdateLog(Math.min(historyLimit, MAX_LOG));
    this.#health = createEtcdHealth({
      revision: () => this.#mirror.position.revision,
      probe: () => parts.etcd.range({ key: this.#layout.state, countOnly: true }),
    });
    this.#snapshot = createSnapshot(options, parts.box, this.#mirror);
    this.#copy = createCopy(options, parts.etcd, this.#layout, this.#mirror);
    this.documents = createEtcdDocuments({
      ...parts,
      layout: this.#layout,
      mirror: this.#mirror,
      copy: this.#copy,
      isReached: () => this.#health.now.state === 'ok',
    });
  }

  async start(timeoutMs: number): Promise<void> {
    const snapshot = this.#snapshot?.read();
    if (snapshot !== undefined) {
      this.#mirror.replace(snapshot.position, snapshot.entries);
      this.#log.restart(snapshot.position.revision);
    }
    const failures = new EventTarget();
    const follower = createEtcdFollower({
      etcd: this.#parts.etcd,
      layout: this.#layout,
      mirror: this.#mirror,
      turns: this.turns,
      key: this.#parts.box.fingerprint,
      relistMs: this.#relistMs,
      onUpdate: (update) => this.#tell(update),
      onLoaded: ({ revision }) => {
        this.#log.restart(revision);
        this.#snapshot?.touch();
      },
      onConnected: (isConnected, reason) => {
        this.#health.onConnected(isConnected, reason);
        if (!isConnected) failures.dispatchEvent(new Event('failure'));
      },
    });
    this.#follower = follower;
    const { etcd } = this.#parts;
    const isRead = await awaitFirstState({
      etcd,
      layout: this.#layout,
      follower,
      failures,
      timeoutMs,
      hasSnapshot: snapshot !== undefined,
    });
    if (isRead) this.#health.onConnected(true, undefined);
    else this.#health.onStale();
    // Not before: only then it is known of which store they are.
    const begin = (): void => {
      if (this.#isClosed) return;
      this.#copy?.follow();
      this.#trim();
    };
    follower.ready.then(begin, () => undefined);
  }

  async load(): ReturnType<Store['load']> {
    return this.#mirror.toState();
  }

  async put(changes: readonly Change[], options: PutOptions): Promise<StoreUpdate> {
    if (this.#isClosed) throw new SekishoError('STORE_FAILED', 'the store is closed');
    const step = { changes: structuredClone(changes), author: options.author };
    const [update] = (await this.#queue.run(() => this.#putAll([step], options))) ?? [];
    if (update === undefined) throw new SekishoError('INTERNAL', 'one change is never too large for parts');
    return update;
  }

  async putAll(steps: readonly PutStep[], options: Omit<PutOptions, 'author'>): Promise<readonly StoreUpdate[] | undefined> {
    if (this.#isClosed) throw new SekishoError('STORE_FAILED', 'the store is closed');
    const kept = structuredClone(steps);
    return await this.#queue.run(() => this.#putAll(kept, options));
  }

  watch(from: number, onUpdate: (update: StoreUpdate) => void): () => void {
    return this.#feed.watch(this.#log.after(from), onUpdate);
  }

  async history({ limit, before }: { readonly limit: number; readonly before?: number }): ReturnType<Store['history']> {
    const { revision } = this.#mirror.position;
    const first = Math.max(1, revision - this.#writer.historyLimit + 1);
    try {
      return await readHistory(this.#parts.etcd, this.#layout, { limit, before: Math.min(before ?? revision + 1, revision + 1), first });
    } catch (error) {
      throw toStoreError(error, 'the history', 'read');
    }
  }

  health(): ReturnType<Store['health']> {
    return this.#health.now;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.turns.close();
    this.#health.close();
    this.#feed.close();
    await this.#queue.close();
    await this.#finishing;
    this.#ending.abort();
    await this.#trimming;
    await this.#follower?.close();
    await this.#snapshot?.close();
    await this.#copy?.close();
    await this.#parts.etcd.close();
    await this.#parts.writer.close();
    await this.#parts.own?.close();
  }

  allDocuments(): ReturnType<MovableStore['allDocuments']> {
    return readAllEtcdDocuments(this.#parts.etcd, this.#layout);
  }

  async adopt(contents: StoreContents): Promise<void> {
    await this.#queue.run(async () => {
      this.#checkWritable();
      const { etcd, box } = this.#parts;
      const { historyLimit } = this.#writer;
      try {
        const plan = await prepareAdoption({ etcd, layout: this.#layout, box, mirror: this.#mirror, historyLimit }, contents);
        if (plan === undefined) return;
        const { position } = this.#mirror;
        const { isStored } = await writePlan(this.#writer, plan, position, AbortSignal.timeout(ADOPT_TIMEOUT_MS));
        if (!isStored) throw new SekishoError('STORE_BUSY', 'the target is being changed meanwhile: stop its nodes and begin again');
        await this.#left(position, AbortSignal.timeout(ADOPT_TIMEOUT_MS));
        await this.#finish(AbortSignal.timeout(ADOPT_TIMEOUT_MS));
      } catch (error) {
        throw toStoreError(error, 'the contents of the other store');
      }
    });
  }

  async #putAll(
    steps: readonly PutStep[],
    { expect, begunAt, reserve = false, isMask = () => false }: Omit<PutOptions, 'author'>,
  ): Promise<readonly StoreUpdate[] | undefined> {
    const signal = this.#limitOf(begunAt);
    for (;;) {
      this.#checkWritable();
      if (this.#mirror.position.pending !== undefined) await this.#awaitFinish(signal);
      const { position } = this.#mirror;
      if (reserve && expect !== undefined && expect !== position.revision) this.turns.outrun(false);
      checkRevision(expect, position.revision);
      const context = { layout: this.#layout, box: this.#parts.box, position, find: (id: EntityId) => this.#mirror.find(id), isMask };
      const plan = toEtcdPlan(context, steps);
      if (steps.length > 1 && !fitsTransaction(plan)) return undefined;
      const turns = { spent: this.turns.spent(), reserve: reserve ? this.#turnKey : undefined };
      const written = await this.#write(plan, position, signal, turns);
      if (written.isStored) {
        this.turns.taken(turns.spent);
        return this.#take(position, plan, written, steps);
      }
      if (reserve) this.turns.outrun(true);
      // Another node was faster. What it did is known before the caller is told, so that it can build on it.
      await this.#left(position, signal);
    }
  }

  async #write(plan: EtcdPlan, position: EtcdPosition, signal: AbortSignal, turns: TurnKeys): Promise<Written> {
    try {
      return await writePlan(this.#writer, plan, position, signal, turns);
    } catch (error) {
      if (signal.aborted) this.#health.onWriteFailed('the cluster of etcd takes no changes: it has no leader, or is too slow');
      throw error;
    }
  }

  #take(
    from: EtcdPosition,
    { next, values, records }: EtcdPlan,
    { modRevision, pending }: Written,
    steps: readonly PutStep[],
  ): readonly StoreUpdate[] {
    const body: PartsBody | undefined = pending && {
      changes: records.flatMap(({ changes }) => changes),
      values: [...values].map(([key, value]) => [key, value ?? null]),
    };
    const to = { ...next, modRevision, ...(pending && { pending }) };
    const updates = records.map(({ revision, hash }, index) => ({ revision, hash, changes: steps[index]?.changes ?? [] }));
    this.#follower?.take({ from, to, values, updates, pending: body });
    if (!this.#isTrimmed) this.#trim();
    if (pending !== undefined) this.#finishing = this.#finishOwn();
    return updates;
  }

  async #finishOwn(): Promise<void> {
    this.#isFinishing = true;
    // What is not finished is made all the same; the next change of any node sees to it.
    await this.#finish(AbortSignal.timeout(FINISH_TIMEOUT_MS)).catch(() => undefined);
    this.#isFinishing = false;
  }

  /** The node that made the pending change finishes it; when it does not, another one does. */
  async #awaitFinish(signal: AbortSignal): Promise<void> {
    const { position } = this.#mirror;
    const patience = this.#isFinishing ? signal : AbortSignal.any([signal, AbortSignal.timeout(FINISH_PATIENCE_MS)]);
    await this.#follower?.leaves(position, patience).catch(() => undefined);
    if (this.#mirror.position !== position) return;
    if (!signal.aborted) await this.#finish(signal);
    if (this.#mirror.position === position)
      throw new SekishoError(
        'STORE_FAILED',
        `the large change of revision ${position.revision} is still being written to its keys; try again`,
      );
  }

  /** Sees to it that no change is pending any more: it is made already, whoever finishes it. */
  async #finish(signal: AbortSignal): Promise<void> {
    const { position } = this.#mirror;
    const body = this.#follower?.pending;
    if (position.pending === undefined || body === undefined) return;
    try {
      const modRevision = await finishPending(this.#writer, position, body, signal);
      if (modRevision === undefined) return await this.#left(position, signal);
      const { pending: _, ...finished } = position;
      this.#follower?.take({ from: position, to: { ...finished, modRevision }, values: new Map(), updates: [], pending: undefined });
    } catch (error) {
      if (!signal.aborted) throw toStoreError(error, `the change of revision ${position.revision}`);
    }
  }

  async #left(position: EtcdPosition, signal: AbortSignal): Promise<void> {
    try {
      await this.#follower?.leaves(position, signal);
    } catch {
      throw new SekishoError(
        'STORE_FAILED',
        'another node has changed the state, and what it changed could not be read in time; try again',
      );
    }
  }

  #limitOf(begunAt = performance.now()): AbortSignal {
    const { timeoutMs } = this.#parts;
    const leftMs = Math.ceil(timeoutMs - (performance.now() - begunAt));
    if (leftMs > timeoutMs * LEAST_SHARE) return AbortSignal.timeout(leftMs);
    throw new SekishoError('STORE_BUSY', `the change was outrun by other nodes for ${timeoutMs} ms; it was not stored; try again`);
  }

  /** Once; a cut that ends it makes the next change begin anew. */
  #trim(): void {
    this.#isTrimmed = true;
    const first = this.#mirror.position.revision - this.#writer.historyLimit + 1;
    this.#trimming = trimHistory(this.#parts.etcd, this.#layout, first, this.#ending.signal).then(
      () => undefined,
      () => {
        this.#isTrimmed = false;
      },
    );
  }

  #checkWritable(): void {
    const { state, error = 'etcd does not answer' } = this.#health.now;
    const problem = this.#follower?.problem;
    if (problem === undefined && state !== 'stale') return;
    const { revision } = this.#mirror.position;
    throw new SekishoError('STORE_FAILED', `changes are refused, and revision ${revision} is served on: ${problem?.message ?? error}`);
  }

  #tell(update: StoreUpdate): void {
    this.#log.add(update);
    this.#feed.publish(update);
    this.#snapshot?.touch();
  }
}

function createSnapshot({ dir, prefix }: EtcdStoreOptions, box: SecretBox, mirror: EtcdMirror): SnapshotFile | undefined {
  if (dir === undefined) return undefined;
  return createSnapshotFile({
    dir,
    prefix,
    key: box.fingerprint,
    current: () => ({ position: mirror.position, entries: mirror.entries() }),
  });
}

function createCopy({ dir, relistMs }: EtcdStoreOptions, etcd: Etcd, layout: EtcdLayout, mirror: EtcdMirror): DocumentCopy | undefined {
  return dir === undefined ? undefined : createDocumentCopy({ etcd, layout, dir, relistMs, store: () => mirror.position.store });
}
