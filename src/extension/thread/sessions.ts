import { indexOf } from '../../runtime/invocation-table.ts';
import { FIELD, TRACKED } from '../wire.ts';
import type { Environment } from './environment.ts';
import { type ContextBox, copyBox, deepCopyBox, newBox, type Run, restoreBox, type Session, TRANSACTION, Unread } from './run.ts';
import type { EventContext } from './types.ts';

/** Takes the next field of a batch. */
type Next = <T>() => T;

/** Where an event belongs. */
interface RunHead {
  readonly session: number;
  readonly id: string;
  readonly environment: Environment;
}

/** The requests that a thread knows, with their contexts. */
export class Sessions {
  /** By index of their number. */
  readonly #sessions: (Session | undefined)[] = [];
  readonly #runs: (Run | undefined)[] = [];
  readonly #constants = new Map<number, unknown>();
  /** Environments that the requests since the last end have used. */
  readonly #used = new Set<Environment>();

  /** Notes that the globals of an environment are to be brought back at the end of the request. */
  use(environment: Environment): void {
    this.#used.add(environment);
  }

  /** Whether a request that has not ended ran events of it. */
  isUsed(environment: Environment): boolean {
    const isRunning = (session: Session | undefined): boolean => session?.runs.some((run) => run.environment === environment.name) === true;
    return this.#used.has(environment) || this.#sessions.some(isRunning);
  }

  run(inv: number): Run | undefined {
    const run = this.#runs[indexOf(inv)];
    return run?.inv === inv ? run : undefined;
  }

  /** Reads the fields of `TO_THREAD.run` behind the environment. */
  open(inv: number, head: RunHead, next: Next): Run {
    const session = this.#session(head);
    const event = next<string>();
    const box = this.#box(session, next(), next(), next());
    const run: Run = {
      inv,
      session,
      environment: head.environment.name,
      event,
      box,
      around: undefined,
      hasSetResponse: false,
      isDead: false,
      timers: undefined,
      abort: undefined,
      consoleLines: 0,
      ended: false,
    };
    // Values are made in the realm of the environment, which exists once it is loaded.
    this.#setFields(box, head.environment, next);
    session.runs.push(run);
    this.#runs[indexOf(inv)] = run;
    this.#used.add(head.environment);
    return run;
  }

  end(number: number, endRun: (run: Run) => void): void {
    const session = this.#sessions[indexOf(number)];
    if (session?.number !== number) return;
    this.#sessions[indexOf(number)] = undefined;
    for (const run of session.runs) {
      run.isDead = true;
      endRun(run);
      if (this.#runs[indexOf(run.inv)] === run) this.#runs[indexOf(run.inv)] = undefined;
    }
    for (const environment of this.#used) environment.restore();
    this.#used.clear();
  }

  mark(number: number): void {
    const session = this.#sessions[indexOf(number)];
    if (session?.number === number) session.marked = deepCopyBox(session.box);
  }

  restore(number: number): void {
    const session = this.#sessions[indexOf(number)];
    if (session?.number === number && session.marked !== undefined) restoreBox(session.box, session.marked);
  }

  /** The context of an event as JSON text, for its nested events in another thread. What is no JSON is left out. */
  snapshot(inv: number): string {
    const parts: string[] = [];
    for (const [key, value] of Object.entries(contextAround(this.run(inv)))) {
      const text = value === TRANSACTION ? 'true' : toText(value);
      if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${parts.join(',')}}`;
  }

  addConstant(id: number, text: string): void {
    this.#constants.set(id, deepFreeze(JSON.parse(text)));
  }

  #session({ session: number, id }: RunHead): Session {
    const known = this.#sessions[indexOf(number)];
    if (known?.number === number) return known;
    const session: Session = { number, id, box: newBox(), marked: undefined, nested: new Map(), runs: [] };
    this.#sessions[indexOf(number)] = session;
    return session;
  }

  /** The context of an event: the request's, or for nested ones that of the call which triggers them. */
  #box(session: Session, parent: number, call: number, snapshot: string | undefined): ContextBox {
    if (call === 0) return session.box;
    const known = session.nested.get(call);
    if (known !== undefined) return known;
    const run = this.run(parent);
    const box = run?.around === undefined ? copyBox(run?.box ?? session.box) : { ...newBox(), context: { ...run.around } };
    if (snapshot !== undefined) {
      Object.assign(box.context, JSON.parse(snapshot) as EventContext);
      if (box.context['transaction'] !== undefined) box.context['transaction'] = TRANSACTION;
      for (const [at, key] of TRACKED.entries()) box.texts[at] = toText(box.context[key]);
    }
    session.nested.set(call, box);
    return box;
  }

  #setFields({ context, texts }: ContextBox, environment: Environment, next: Next): void {
    for (let count = next<number>(); count > 0; count -= 1) {
      const [key, kind, value] = [next<string>(), next<number>(), next<unknown>()];
      const at = TRACKED.indexOf(key as 'resource');
      if (at >= 0) texts[at] = kind === FIELD.text ? (value as string) : undefined;
      if (kind === FIELD.remove) delete context[key];
      else if (kind === FIELD.constant) context[key] = this.#constants.get(value as number);
      else if (key === 'transaction') context[key] = TRANSACTION;
      else context[key] = environment.hasScripts ? environment.parse(value as string) : new Unread(value as string);
    }
  }
}

function contextAround(run: Run | undefined): EventContext {
  return run?.around ?? run?.box.context ?? {};
}

function toText(value: unknown): string | undefined {
  if (value instanceof Unread) return value.text;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function deepFreeze(value: unknown): unknown {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
