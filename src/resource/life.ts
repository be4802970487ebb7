import type { EventCaller, EventOutcome, ExtensionCall, Extensions, Fields } from '../extension/types.ts';
import type { Identity } from '../lib/identity.ts';
import type { Database, Session } from '../sql/types.ts';
import type { Events } from './events.ts';
import type { Gate } from './gate.ts';
import type { Models } from './models.ts';
import { createOwnTransactions, type OwnTransactions } from './own-transactions.ts';

export interface LifeOptions {
  readonly models: Models;
  readonly database: Database;
  /** Whose rights `model.*` calls in full mode have. */
  readonly identity: Identity;
  readonly extensions: Extensions;
  /** Of the first event. */
  readonly environment: string;
  readonly requestId: string;
  readonly signal: AbortSignal | undefined;
  readonly gate: Gate;
  /** Answers what handlers ask of the gateway. */
  readonly call: (life: Life, name: string, args: readonly unknown[], caller: EventCaller) => Promise<unknown>;
}

/** The events of one request (or cron run, or change), those included that its handlers cause, and the transactions that they work in. */
export interface Life {
  readonly models: Models;
  readonly database: Database;
  readonly identity: Identity;
  readonly requestId: string;
  readonly signal: AbortSignal | undefined;
  readonly own: OwnTransactions;
  /**
   * The events of an environment, run by handlers of `depth` (0: by the request itself), so that their own handlers have one more.
   * `base` is set on the context before the first of them.
   */
  eventsOf(environment: string, depth: number, base: Fields): Events;
  /** The transaction that handlers of that depth see; undefined when none is open. */
  sessionOf(depth: number): Session | undefined;
  /** Runs `work` behind what handlers of that depth asked for before: one transaction does one thing after the other. */
  inTurn<T>(depth: number, work: () => Promise<T>): Promise<T>;
  /** Forgets the context and gives the thread back. */
  end(): Promise<void>;
}

/** A transaction that handlers from `depth` on see. */
interface Scope {
  readonly depth: number;
  readonly session: Session;
}

export function openLife(options: LifeOptions): Life {
  const { models, database, identity, extensions, environment, requestId, signal } = options;
  const scopes: Scope[] = [];
  const own = createOwnTransactions(database, options.gate, () => scopes.length > 0);
  let call: ExtensionCall | undefined;
  const turns = new Map<number, Promise<unknown>>();
  const open = (): ExtensionCall =>
    (call ??= extensions.begin({
      id: requestId,
      environment,
      call: (name, args, caller) => options.call(life, name, args, caller),
      ...(signal !== undefined && { signal }),
    }));

  const life: Life = {
    models,
    database,
    identity,
    requestId,
    signal,
    own,
    eventsOf(name, depth, known) {
      let base = known;
      let isBased = false;
      let wasBased = false;
      return {
        signal,
        isHolding: () => call?.isHolding === true,
        handles: (event) => extensions.handles(name, event),
        tell(fields) {
          base = { ...base, ...fields };
        },
        async run(event, fields): Promise<EventOutcome> {
          const inside = life.sessionOf(depth + 1) === undefined ? {} : { transaction: true };
          const head = isBased ? { transaction: undefined, ...inside } : { ...base, ...inside };
          isBased = true;
          try {
            return await open().run(name, event, { ...head, event_type: event, trace_id: requestId, ...fields });
          } finally {
            await own.closeFrom(depth + 1);
          }
        },
        async reserve(events) {
          if (events.some((event) => extensions.handles(name, event))) await open().reserve();
        },
        async within(session, isAgain, work) {
          if (isAgain) {
            isBased = wasBased;
            if (depth === 0) open().restore();
          }
          const scope = { depth: depth + 1, session };
          scopes.push(scope);
          try {
            return await work();
          } finally {
            scopes.splice(scopes.indexOf(scope), 1);
          }
        },
        enter: () => options.gate.enter(signal),
        mark() {
          wasBased = isBased;
          if (depth === 0) open().mark();
        },
      };
    },
    sessionOf: (depth) => scopes.findLast((scope) => scope.depth <= depth)?.session,
    inTurn(depth, work) {
      const result = (turns.get(depth) ?? Promise.resolve()).then(work);
      const settled = result.catch(() => undefined);
      turns.set(depth, settled);
      return result;
    },
    async end() {
      call?.end();
      await own.closeFrom(0);
    },
  };
  return life;
}
