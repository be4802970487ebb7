import type { Etcd, RangeResult, Txn, TxnOperation, TxnResult } from '../etcd/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { LoggedEvent } from '../sql/event-log.ts';
import { hashOf, parseMark, toMark } from './delivered-mark.ts';
import { isFenced } from './fence.ts';
import { recordLayout } from './former-keys.ts';
import type { SyncLayout } from './layout.ts';
import { DELIVERED_PREFIX, MONITORING_PREFIX, STATE_PREFIX } from './names.ts';
import { packSteps, type TxnLimits } from './pack-steps.ts';
import { planSteps, type Step } from './steps.ts';
import type { Delivery, Fence, Refused, Sink } from './types.ts';

export interface EtcdSinkOptions {
  /** See `database-id.ts`; written down beside the layout. */
  readonly databaseId?: string | undefined;
  readonly etcd: Etcd;
  /** Of the schemas that are served now. */
  layout(): SyncLayout;
  readonly limits?: TxnLimits;
  /** Transactions that are sent at the same time; they have no key in common. */
  readonly maxInFlight?: number;
}

const LIMITS: TxnLimits = { maxOperations: 128, maxBytes: 1024 * 1024 };
const MAX_IN_FLIGHT = 4;
/** A key that others write all the time. */
const MAX_CONFLICTS = 3;

/**
 * Delivers to etcd. Every transaction compares the leader's key, and of every key that nobody else wrote it meanwhile; and it leaves a mark of what
 * it delivers. So a row is delivered once: a deposed leader's writes fail, and its successor reads the marks before it begins.
 */
export function createEtcdSink(options: EtcdSinkOptions): Sink {
  const { etcd } = options;
  const state: SinkState = { etcd, limits: options.limits ?? LIMITS, maxInFlight: options.maxInFlight ?? MAX_IN_FLIGHT, revision: 0 };
  let recorded: SyncLayout | undefined;
  /** Keys are written under layouts that are written down; false when another node leads. */
  const record = async (fence: Fence, layout: SyncLayout): Promise<boolean> => {
    if (recorded !== layout && !(await recordLayout(etcd, layout, fence, options.databaseId))) return false;
    recorded = layout;
    return true;
  };
  return {
    name: 'etcd',
    async recover(fence) {
      recorded = undefined;
      if (!(await record(fence, options.layout()))) throw deposed();
      const marks = new Map<number, string>();
      const { revision } = await etcd.range({ prefix: DELIVERED_PREFIX, countOnly: true }, fence.lost);
      for await (const page of etcd.pages({ prefix: DELIVERED_PREFIX }, fence.lost))
        for (const { value } of page.kvs) for (const [id, hash] of parseMark(value.toString())) marks.set(id, hash);
      state.revision = revision;
      return { ids: [...marks.keys()], isDelivered: (event) => marks.get(event.id) === hashOf(event) };
    },
    async publish(batch, fence) {
      const round = new Round(state, fence);
      try {
        const layout = options.layout();
        if (!(await record(fence, layout))) round.fail(deposed(), true);
        const { queues, invalid } = planSteps(batch, layout);
        for (const [path, error] of invalid) round.refused.push({ path, error });
        await round.run(queues);
      } catch (error) {
        round.fail(toSekishoError(error));
      }
      return round.delivery();
    },
  };
}

interface SinkState {
  readonly etcd: Etcd;
  readonly limits: TxnLimits;
  readonly maxInFlight: number;
  /** etcd's revision as last seen: no key that we know of was written after it. */
  revision: number;
}

/** One batch on its way. */
class Round {
  readonly delivered: number[] = [];
  readonly refused: Refused[] = [];
  readonly #state: SinkState;
  readonly #fence: Fence;
  #failure: SekishoError | undefined;
  #isOver = false;
  #slots = 0;

  constructor(state: SinkState, fence: Fence) {
    this.#state = state;
    this.#fence = fence;
  }

  /** The first steps of all keys together, then the second ones, and so on. */
  async run(queues: readonly (readonly Step[])[]): Promise<void> {
    const blocked = (step: Step): boolean => step.events.some(({ path }) => this.refused.some((one) => one.path === path));
    for (let at = 0; ; at += 1) {
      const steps = queues.flatMap((queue) => queue[at] ?? []).filter((step) => at === 0 || !blocked(step));
      if (steps.length === 0 || this.#failure !== undefined) return;
      const txns = [...packSteps(steps, this.#state.limits)];
      const send = async (): Promise<void> => {
        for (let txn = txns.shift(); txn !== undefined && this.#failure === undefined; txn = txns.shift()) await this.#deliver(txn);
      };
      await Promise.all(Array.from({ length: Math.min(this.#state.maxInFlight, txns.length) }, send));
    }
  }

  fail(error: SekishoError, isOver = false): void {
    this.#failure ??= error;
    this.#isOver ||= isOver;
  }

  delivery(): Delivery {
    const { delivered, refused } = this;
    return { delivered, refused, ...(this.#failure && { failure: this.#failure }), ...(this.#isOver && { isOver: true }) };
  }

  async #deliver(steps: readonly Step[]): Promise<void> {
    try {
      await this.#write(steps);
    } catch (error) {
      const known = toSekishoError(error);
      if (known.code !== 'ETCD_TOO_LARGE') {
        // A write that may still be carried out is kept off by the end of the term: then its fence does not hold any more.
        this.fail(known, known.code === 'ETCD_UNKNOWN_OUTCOME');
      } else if (steps.length > 1) {
        for (const step of steps) await this.#deliver([step]);
      } else this.#refuse(steps, tooLarge(steps[0] as Step, known));
    }
  }

  async #write(steps: readonly Step[]): Promise<void> {
    const state = this.#state;
    const slot = (this.#slots += 1);
    for (let conflicts = 0; this.#failure === undefined; conflicts += 1) {
      if (this.#fence.lost.aborted) return this.fail(deposed(), true);
      const known = state.revision;
      const result = await state.etcd.txn(toTxn(steps, this.#fence, { known, slot }));
      state.revision = Math.max(state.revision, result.revision);
      if (result.succeeded) {
        for (const { events } of steps) for (const { id } of events) this.delivered.push(id);
        return;
      }
      if (this.#fence.compare !== undefined && !isFenced(this.#fence.compare, firstRange(result))) return this.fail(deposed(), true);
      const foreign = foreignKeys(result, known);
      observe({ type: 'sync.conflict', keys: foreign });
      if (conflicts >= MAX_CONFLICTS) return this.#refuse(steps, conflicting(foreign));
    }
  }

  #refuse(steps: readonly Step[], error: SekishoError): void {
    const paths = new Set(steps.flatMap(({ events }) => events.map((event: LoggedEvent) => event.path)));
    for (const path of paths) this.refused.push({ path, error });
  }
}

function toTxn(steps: readonly Step[], fence: Fence, { known, slot }: { readonly known: number; readonly slot: number }): Txn {
  // The term is for people who look, and for tests: it tells which leader wrote.
  const mark = `term=${String(fence.compare?.value ?? '')} ${toMark(steps.flatMap(({ events }) => events))}`;
  return {
    compare: [
      ...(fence.compare === undefined ? [] : [fence.compare]),
      ...steps.map(({ key }) => ({ key, target: 'modRevision', result: '<', value: known + 1 }) as const),
    ],
    success: [...steps.flatMap(toOperations), { put: { key: `${DELIVERED_PREFIX}${slot}`, value: mark } }],
    // What made it fail: the first is the leader's key, if there is one.
    failure: [...(fence.compare === undefined ? [] : [fence.compare.key]), ...steps.map(({ key }) => key)].map((key) => ({
      range: { key, keysOnly: true },
    })),
  };
}

function toOperations({ key, path, write }: Step): readonly TxnOperation[] {
  if (write.kind === 'put') return [{ put: { key, value: write.value } }];
  if (write.kind === 'empty') return [{ delete: { key } }];
  return [{ delete: { key: STATE_PREFIX + path } }, { delete: { key: MONITORING_PREFIX + path } }, { delete: { key } }];
}

function ranges(result: TxnResult): readonly RangeResult[] {
  return result.responses.flatMap((response) => (response.type === 'range' ? [response.result] : []));
}

function firstRange(result: TxnResult): RangeResult['kvs'][number] | undefined {
  return ranges(result)[0]?.kvs[0];
}

function foreignKeys(result: TxnResult, known: number): readonly string[] {
  return ranges(result)
    .flatMap(({ kvs }) => kvs)
    .filter(({ modRevision }) => modRevision > known)
    .map(({ key }) => key);
}

function deposed(): SekishoError {
  return new SekishoError('SYNC_DEPOSED', 'another node leads now, or may lead soon');
}

function tooLarge({ key, write }: Step, cause: SekishoError): SekishoError {
  const size = write.kind === 'put' ? Buffer.byteLength(write.value) : 0;
  const detail = `etcd takes no value as large as that of ${key} (${size} bytes); make the resource smaller, send one property of it (sync_property), or raise --max-request-bytes of etcd`;
  return new SekishoError('SYNC_TOO_LARGE', detail, { cause });
}

function conflicting(keys: readonly string[]): SekishoError {
  return new SekishoError('SYNC_CONFLICT', `somebody else writes ${keys.slice(0, 3).join(', ')} all the time; only the gateway may`);
}
