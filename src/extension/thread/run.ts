import type { RequestScope } from '../../runtime/thread/requests.ts';
import { TRACKED } from '../wire.ts';
import type { EventContext } from './types.ts';

/** A context with what the gateway knows of its tracked keys: their last exchanged JSON texts. */
export interface ContextBox {
  readonly context: EventContext;
  readonly texts: (string | undefined)[];
}

/** One request in the thread. */
export interface Session {
  readonly number: number;
  /** Id of the request. */
  readonly id: string;
  readonly box: ContextBox;
  /** Of the top-level context, at `mark`. */
  marked: ContextBox | undefined;
  /** Contexts of nested events, by the call that triggers them. */
  readonly nested: Map<number, ContextBox>;
  readonly runs: Run[];
}

/** One event that runs, and the scope of what its handlers start. */
export interface Run extends RequestScope {
  readonly session: Session;
  readonly environment: string;
  readonly event: string;
  readonly box: ContextBox;
  /** What the contexts of nested events begin as copies of, when a script gave its call another context than the event's. */
  around: EventContext | undefined;
  /** A module has set `response`. */
  hasSetResponse: boolean;
  /** Nobody waits for it any more. */
  isDead: boolean;
}

/** What `context.transaction` is in events inside the request's transaction. */
export const TRANSACTION: object = Object.freeze({ toString: () => '[transaction of the request]' });

/** A value of a context that no handler has asked for yet. Only modules meet contexts with such values, and read through them. */
export class Unread {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value of a context as handlers see it. */
export function readValue(context: EventContext, key: string): unknown {
  const value = context[key];
  return value instanceof Unread ? (context[key] = JSON.parse(value.text)) : value;
}

/** An empty context. */
export function newBox(): ContextBox {
  return { context: {}, texts: TRACKED.map(() => undefined) };
}

/** A context that starts as a copy of another one, whose values it shares. */
export function copyBox({ context, texts }: ContextBox): ContextBox {
  return { context: { ...context }, texts: [...texts] };
}

/** A copy whose JSON-like values are copies too, so that what handlers do to the one is not seen in the other. */
export function deepCopyBox({ context, texts }: ContextBox): ContextBox {
  return { context: copyValue(context) as EventContext, texts: [...texts] };
}

/** Makes a context what its copy is. The object stays, handlers may hold it. */
export function restoreBox(box: ContextBox, copy: ContextBox): void {
  for (const key of Object.keys(box.context)) delete box.context[key];
  const fresh = deepCopyBox(copy);
  Object.assign(box.context, fresh.context);
  for (const [at, text] of fresh.texts.entries()) box.texts[at] = text;
}

/** Constants are frozen and need no copy; what is neither list nor plain object stays itself. */
function copyValue(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  if (!isPlain(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = copyValue((value as Record<string, unknown>)[key]);
  return copy;
}

/** An object of JSON's kind, of any realm. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
