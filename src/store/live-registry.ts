import { toEntityId, toEntityKey } from '../entity/entity-key.ts';
import { applyChanges, type EntityGraph, emptyGraph } from '../entity/references.ts';
import type { Change, Entities } from '../entity/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { SharedMap } from '../lib/shared-map.ts';
import { admitAll, toErrorEntity } from './admission.ts';
import { FIRST_HASH } from './change-record.ts';
import { checkChangeRules, toChangingCollections } from './change-rules.ts';
import { guardDocuments } from './documents.ts';
import { diffBase, diffServed, type Layers, toBase, toIdKey, toLayers, withStored } from './entity-layers.ts';
import type { Applied, ApplyOptions, Registry, RegistryOptions, Rejection } from './registry.ts';
import { createSerialQueue } from './serial-queue.ts';
import { checkRevision } from './store-rules.ts';
import type { DocumentStore, HistoryRecord, PutOptions, PutStep, StoreUpdate } from './types.ts';

/** How long a change is tried that other writers outrun. */
const RETRY_MS = 5000;
/** Changes that wait, and those that go into one transaction of the store. */
const MAX_WAITING = 1000;
const MAX_GROUP = 30;

interface Prepared<Built> {
  readonly graph: EntityGraph;
  readonly built: Built;
  readonly warnings: readonly string[];
}

/** What is served together with the entities. */
interface Position {
  readonly layers: Layers;
  readonly revision: number;
  readonly hash: string;
}

/** A change that may be stored together with others. */
interface Member extends PutStep {
  /** By the monotonic clock. */
  readonly askedAt: number;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (reason: unknown) => void;
}

/** The registry behind `createRegistry`: one queue, one graph, two layers. */
export class LiveRegistry<Built> implements Registry<Built> {
  readonly documents: DocumentStore;
  readonly #options: RegistryOptions<Built>;
  readonly #queue;
  readonly #rejected = new Map<string, { readonly change: Change; readonly error: SekishoError }>();
  readonly #changing = new Set<string>();
  #graph: EntityGraph = emptyGraph();
  #served: { readonly built: Built } | undefined;
  #layers: Layers = { base: new Map(), above: new SharedMap() };
  #revision = 0;
  #hash = FIRST_HASH;
  /** Updates of the watch that are not served yet. */
  #arrivals: StoreUpdate[] = [];
  #onArrival: () => void = () => {};
  /** Changes that wait for their turn together. */
  #group: Member[] = [];
  /** The last failure of the store. */
  #failure: { readonly at: number; readonly error: SekishoError } | undefined;
  #isReceiving = false;
  #isRetrying = false;
  #stopWatch: () => void = () => {};
  #isClosed = false;

  constructor(options: RegistryOptions<Built>) {
    this.#options = options;
    this.#queue = createSerialQueue(options.maxWaiting ?? MAX_WAITING);
    this.documents = guardDocuments({
      documents: options.store.documents,
      entities: () => this.#graph.entities,
      isChanging: (namespace, name) => this.#changing.has(toIdKey({ kind: 'collection', namespace, name })),
    });
  }

  entities(): Entities {
    return this.#graph.entities;
  }

  served(): Built {
    if (this.#served === undefined) throw new SekishoError('NOT_READY', 'nothing is served yet');
    return this.#served.built;
  }

  revision(): number {
    return this.#revision;
  }

  hash(): string {
    return this.#hash;
  }

  changeCount(): number {
    return this.#revision;
  }

  rejected(): readonly Rejection[] {
    return [...this.#rejected.values()].map(({ change, error }) => ({ ...toEntityId(change), error }));
  }

  async history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryRecord[]> {
    return await this.#options.store.history(options);
  }

  async start(): Promise<void> {
    const state = await this.#options.store.load();
    const { layers, puts } = toLayers(toBase(this.#options.base ?? [], this.#options.createDefaultNamespace ?? true), state);
    await this.#admit(puts, { layers, revision: state.revision, hash: state.hash });
    this.#stopWatch = this.#options.store.watch(state.revision, (update) => this.#arrive(update));
  }

  async apply(changes: readonly Change[], options: ApplyOptions): Promise<Applied> {
    const askedAt = performance.now();
    const isAlone = options.expect !== undefined || options.dryRun === true || this.#options.store.putAll === undefined;
    if (!isAlone) return await this.#joinGroup({ changes, author: options.author, askedAt });
    return await this.#queue.run(() => this.#apply(changes, options, askedAt));
  }

  async setBase(changes: readonly Change[]): Promise<void> {
    await this.#queue.run(() => this.#setBase(changes));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatch();
    this.#onArrival();
    await this.#queue.close();
  }

  /** The result of a change that is stored together with those that wait beside it. */
  async #joinGroup(asked: Pick<Member, 'changes' | 'author' | 'askedAt'>): Promise<Applied> {
    if (this.#group.length >= (this.#options.maxWaiting ?? MAX_WAITING))
      throw new SekishoError('STORE_BUSY', `${this.#group.length} changes are waiting already; try again`);
    const applied = Promise.withResolvers<Applied>();
    const member = { ...asked, ...applied };
    this.#group.push(member);
    // As many turns as members: one that comes too late finds nothing to do.
    this.#queue
      .run(() => this.#applyGroup())
      .catch((error: unknown) => {
        this.#group = this.#group.filter((each) => each !== member);
        member.reject(error);
      });
    return await applied.promise;
  }

  async #applyGroup(): Promise<void> {
    const members = this.#group.splice(0, MAX_GROUP).filter((member) => {
      const failure = this.#failureSince(member.askedAt);
      if (failure !== undefined) member.reject(failure);
      return failure === undefined;
    });
    try {
      if (members.length > 1 && (await this.#applyTogether(members))) return;
      for (const { changes, author, askedAt, resolve, reject } of members)
        await this.#apply(changes, { author }, askedAt).then(resolve, reject);
    } catch (error) {
      for (const { reject } of members) reject(error);
    }
    if (this.#group.length === 0) this.#options.store.turns?.pass();
  }

  /** Builds, stores and serves the changes of all members in one go; false, with nothing changed, when each has to go by itself, so that it is told its own reason. */
  async #applyTogether(members: readonly Member[]): Promise<boolean> {
    const startedAt = performance.now();
    while (performance.now() - startedAt < RETRY_MS) {
      await this.#awaitTurn();
      const prepared = await this.#prepareTogether(members).catch(() => undefined);
      if (prepared === undefined) return false;
      const updates = await this.#storeTogether(members, prepared.built, startedAt);
      if (updates === undefined) continue;
      const last = updates.at(-1);
      if (last === undefined) return false;
      const changes = members.flatMap((member) => member.changes);
      for (const change of changes) this.#rejected.delete(toIdKey(toEntityId(change)));
      const { revision, hash } = last;
      await this.#serve(prepared, { layers: withStored(this.#layers, changes), revision, hash });
      members.forEach(({ resolve }, i) => resolve({ revision: updates[i]?.revision ?? revision, warnings: prepared.warningsOf[i] ?? [] }));
      this.#retryRejected();
      return true;
    }
    return false;
  }

  async #prepareTogether(members: readonly Member[]): Promise<Prepared<Built> & { readonly warningsOf: readonly (readonly string[])[] }> {
    let graph = this.#graph;
    const warningsOf: (readonly string[])[] = [];
    for (const { changes } of members) {
      const next = applyChanges(
        graph,
        changes.filter((change) => !this.#isKeptOut(change)),
      );
      warningsOf.push(await checkChangeRules(changes, graph.entities, this.#options.store.documents));
      graph = next;
    }
    return { graph, built: await this.#options.build(graph.entities, this.#served && this.#graph.entities), warnings: [], warningsOf };
  }

  /** Undefined when another writer was faster; none when the store can't take the changes together. */
  async #storeTogether(members: readonly Member[], built: Built, begunAt: number): Promise<readonly StoreUpdate[] | undefined> {
    const { store, discard } = this.#options;
    const steps = members.map(({ changes, author }) => ({ changes, author }));
    const work = async (options: Omit<PutOptions, 'author'>) => (await store.putAll?.(steps, { ...options, begunAt })) ?? [];
    try {
      const updates = await this.#storing(
        members.flatMap(({ changes }) => changes),
        built,
        true,
        work,
      );
      if (updates?.length === 0) discard?.(built);
      return updates;
    } catch (error) {
      // Another try of each by itself would come too late as well.
      const isOver = this.#failure?.error === error || (error instanceof SekishoError && error.code === 'STORE_BUSY');
      if (isOver) throw error;
      return [];
    }
  }

  /** What has just failed for another would fail for who waited beside it as well, and as late again. */
  #failureSince(askedAt: number): SekishoError | undefined {
    return this.#failure !== undefined && this.#failure.at > askedAt ? this.#failure.error : undefined;
  }

  async #apply(changes: readonly Change[], { author, expect, dryRun = false }: ApplyOptions, askedAt: number): Promise<Applied> {
    const startedAt = performance.now();
    const failure = this.#failureSince(askedAt);
    if (failure !== undefined) throw failure;
    for (;;) {
      if (expect === undefined && !dryRun) await this.#awaitTurn();
      else await this.#receive();
      checkRevision(expect, this.#revision);
      const prepared = await this.#prepare(changes.filter((change) => !this.#isKeptOut(change)));
      if (dryRun) {
        this.#options.discard?.(prepared.built);
        return { revision: this.#revision, warnings: prepared.warnings };
      }
      const update = await this.#store(changes, { author, begunAt: startedAt }, prepared.built, expect === undefined);
      if (update === undefined) {
        if (performance.now() - startedAt < RETRY_MS) continue;
        throw new SekishoError(
          'STORE_BUSY',
          `other nodes change the state all the time; the change was tried for ${RETRY_MS} ms; try again`,
        );
      }
      for (const change of changes) this.#rejected.delete(toIdKey(toEntityId(change)));
      const { revision, hash } = update;
      await this.#serve(prepared, { layers: withStored(this.#layers, changes), revision, hash });
      this.#retryRejected();
      return { revision: update.revision, warnings: prepared.warnings };
    }
  }

  /** Everything that can refuse a change before it is stored. */
  async #prepare(changes: readonly Change[], ground: EntityGraph = this.#graph, isStored = false): Promise<Prepared<Built>> {
    const graph = applyChanges(ground, changes);
    const warnings = await checkChangeRules(changes, ground.entities, isStored ? undefined : this.#options.store.documents);
    const built = await this.#options.build(graph.entities, this.#served && this.#graph.entities);
    return { graph, built, warnings };
  }

  /** Stores the changes and waits until the watch tells of them; undefined when another writer was faster and the change may be tried again. */
  async #store(
    changes: readonly Change[],
    by: Pick<PutOptions, 'author' | 'begunAt'>,
    built: Built,
    mayRetry: boolean,
  ): Promise<StoreUpdate | undefined> {
    const { store } = this.#options;
    const work = async (options: Omit<PutOptions, 'author'>) => [await store.put(changes, { ...options, ...by })];
    return (await this.#storing(changes, built, mayRetry, work))?.[0];
  }

  async #storing(
    changes: readonly Change[],
    built: Built,
    mayRetry: boolean,
    work: (options: Omit<PutOptions, 'author'>) => Promise<readonly StoreUpdate[]>,
  ): Promise<readonly StoreUpdate[] | undefined> {
    const changing = toChangingCollections(changes, this.#graph.entities).map(toIdKey);
    for (const key of changing) this.#changing.add(key);
    try {
      const updates = await work({ expect: this.#revision, reserve: mayRetry, isMask: (id) => this.#layers.base.has(toIdKey(id)) });
      const last = updates.at(-1)?.revision ?? 0;
      await this.#waitFor((arrival) => arrival.isReset === true || arrival.revision >= last, last > 0);
      this.#arrivals = this.#arrivals.filter((arrival) => arrival.isReset === true || arrival.revision > last);
      return updates;
    } catch (error) {
      this.#options.discard?.(built);
      if (error instanceof SekishoError && error.code === 'STORE_FAILED') this.#failure = { at: performance.now(), error };
      if (!mayRetry || !(error instanceof SekishoError) || error.code !== 'REVISION_MISMATCH') throw error;
      await this.#waitFor((arrival) => arrival.isReset === true || arrival.revision > this.#revision);
      return undefined;
    } finally {
      for (const key of changing) this.#changing.delete(key);
    }
  }

  /** Serves what was prepared; it stands for the position when there is one, else for that of before. */
  async #serve({ graph, built }: Prepared<Built>, position?: Position): Promise<void> {
    this.#graph = graph;
    this.#served = { built };
    if (position !== undefined) {
      this.#layers = position.layers;
      this.#revision = position.revision;
      this.#hash = position.hash;
    }
    await this.#options.swap(built, this.#revision, this.#hash);
  }

  #arrive(update: StoreUpdate): void {
    this.#arrivals.push(update);
    this.#onArrival();
    // A change of our own takes its update itself; what another writer made needs a turn of its own.
    if (this.#isReceiving || this.#isClosed) return;
    this.#isReceiving = true;
    const task = async () => {
      this.#isReceiving = false;
      await this.#receive();
    };
    this.#queue.run(task).catch((error: unknown) => {
      this.#isReceiving = false;
      observe({ type: 'error', error: toSekishoError(error), where: 'registry.receive' });
    });
  }

  /** Serves what other writers store until it is this one's turn. */
  async #awaitTurn(): Promise<void> {
    for (;;) {
      await this.#receive();
      const turn = this.#options.store.turns?.wait();
      if (turn === undefined || this.#isClosed) return;
      const arrival = new Promise<void>((resolve) => (this.#onArrival = resolve));
      await Promise.race([turn, arrival]);
    }
  }

  /** Serves the updates of other writers, those that are waiting all at once, leaving out what does not build. */
  async #receive(): Promise<void> {
    while (this.#arrivals.length > 0) {
      const arrivals = this.#arrivals;
      this.#arrivals = [];
      if (arrivals.some(({ isReset }) => isReset === true)) {
        await this.#resync();
        continue;
      }
      const update = mergeUpdates(arrivals, this.#revision);
      if (update === undefined) continue;
      const changes = update.changes.filter((change) => !this.#isDeletionOfNothing(change));
      for (const change of update.changes) this.#rejected.delete(toIdKey(toEntityId(change)));
      const { revision, hash } = update;
      await this.#admit(changes, { layers: withStored(this.#layers, update.changes), revision, hash });
      this.#retryRejected();
    }
  }

  /** Serves what the store holds, whatever was served before. */
  async #resync(): Promise<void> {
    const state = await this.#options.store.load();
    const { layers, puts } = toLayers(this.#layers.base, state);
    const changes = diffServed(puts, this.#graph.entities);
    this.#rejected.clear();
    await this.#admit(changes, { layers, revision: state.revision, hash: state.hash });
  }

  /** Serves as many of `changes` as build; the others are kept out and reported. */
  async #admit(changes: readonly Change[], position?: Position): Promise<void> {
    let candidate: Prepared<Built> | undefined;
    const attempt = async (some: readonly Change[]) => {
      const next = await this.#prepare(some, candidate?.graph, true);
      if (candidate !== undefined) this.#options.discard?.(candidate.built);
      candidate = next;
    };
    await admitAll(changes, attempt, (change, error) => this.#keepOut(change, error));
    // Also when nothing of it could be served: whoever serves is told of the revision.
    if (candidate === undefined && position !== undefined) await attempt([]);
    if (candidate !== undefined) await this.#serve(candidate, position);
  }

  #keepOut(change: Change, error: SekishoError): void {
    const key = toIdKey(toEntityId(change));
    const isNews = this.#rejected.get(key)?.error.message !== error.message;
    this.#rejected.set(key, { change, error });
    if (isNews) observe({ type: 'entity.rejected', ...toEntityId(change), error });
  }

  /** True for the deletion of an entity that is stored but kept out: there is nothing of it in what is served. */
  #isKeptOut(change: Change): boolean {
    return this.#isDeletionOfNothing(change) && this.#rejected.has(toIdKey(toEntityId(change)));
  }

  /** What another node deleted need not be served here: its configuration file may define it, and ours not. */
  #isDeletionOfNothing(change: Change): boolean {
    const { kind, namespace, name } = toEntityId(change);
    return change.op === 'delete' && !this.#graph.entities[kind].has(toEntityKey(kind, namespace, name));
  }

  /** What was kept out may build now that something changed. */
  #retryRejected(): void {
    if (this.#rejected.size === 0 || this.#isRetrying) return;
    this.#isRetrying = true;
    const retry = async () => {
      this.#isRetrying = false;
      const waiting = [...this.#rejected];
      await this.#admit(waiting.map(([, { change }]) => change));
      // One that failed again was kept out anew.
      for (const [key, rejection] of waiting) if (this.#rejected.get(key) === rejection) this.#rejected.delete(key);
    };
    this.#queue.run(retry).catch(() => {
      this.#isRetrying = false;
    });
  }

  async #setBase(changes: readonly Change[]): Promise<void> {
    const base = toBase(changes, this.#options.createDefaultNamespace ?? true);
    const effective = diffBase(this.#layers, base, this.#graph.entities);
    try {
      const prepared = await this.#prepare(effective);
      for (const key of this.#layers.base.keys()) if (this.#layers.above.get(key) !== 'stored') this.#rejected.delete(key);
      this.#layers = { ...this.#layers, base };
      await this.#serve(prepared);
    } catch (error) {
      throw withPointers(error);
    }
    this.#retryRejected();
  }

  async #waitFor(isIt: (update: StoreUpdate) => boolean, isNeeded = true): Promise<void> {
    if (!isNeeded) return;
    while (!this.#arrivals.some(isIt)) {
      if (this.#isClosed)
        throw new SekishoError('NOT_READY', 'the gateway is stopping; the change is stored and will be served after the next start');
      await new Promise<void>((resolve) => {
        this.#onArrival = resolve;
      });
    }
  }
}

/** What several updates after `revision` come to together; undefined when none is after it. */
function mergeUpdates(updates: readonly StoreUpdate[], revision: number): StoreUpdate | undefined {
  const changes = new Map<string, Change>();
  let last: StoreUpdate | undefined;
  for (const update of updates) {
    if (update.revision <= (last?.revision ?? revision)) continue;
    for (const change of update.changes) changes.set(toIdKey(toEntityId(change)), change);
    last = update;
  }
  return last && { revision: last.revision, hash: last.hash, changes: [...changes.values()] };
}

/** The error with the entity that it is about in front of its pointers. */
function withPointers(error: unknown): unknown {
  const entity = toErrorEntity(error);
  if (entity === undefined || !(error instanceof SekishoError)) return error;
  const place = entity.kind === 'namespace' ? `namespace/${entity.name}` : `${entity.kind}/${entity.namespace}/${entity.name}`;
  const errors =
    error.errors.length === 0
      ? [{ pointer: place, detail: error.message }]
      : error.errors.map(({ pointer, detail }) => ({ pointer: pointer.startsWith('/') ? place + pointer : pointer, detail }));
  return new SekishoError(error.code, error.message, { errors, cause: error });
}
