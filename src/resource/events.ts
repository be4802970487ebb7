import type { EventOutcome, Fields } from '../extension/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { Session } from '../sql/types.ts';
import { isObject, type JsonObject } from './body.ts';

/** The events of one type in one request: of the request itself, or of what one of its handlers does with another resource. */
export interface Events {
  handles(event: string): boolean;
  /** Adds to what the context tells about the request. Before the first event. */
  tell(fields: Fields): void;
  /** Sets `fields` on the context and runs the handlers of an event; what they open is closed again. Resolves to what they left. */
  run(event: string, fields: Fields): Promise<EventOutcome>;
  /** Takes the thread before a transaction is begun in which one of `events` has a handler: who waits for a thread holds no connection. */
  reserve(events: readonly string[]): Promise<void>;
  /** Runs `work`, whose handlers see `session` as their transaction. `isAgain`: the transaction is tried once more, on the context as it was. */
  within<T>(session: Session, isAgain: boolean, work: () => Promise<T>): Promise<T>;
  /** Waits until a transaction may be opened; what it resolves to is called when that is over. */
  enter(): Promise<() => void>;
  /** Remembers the context as it is before a transaction. */
  mark(): void;
  /** Whether the request holds a thread until it is over, for which others may wait. */
  isHolding(): boolean;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

/** The events of every operation, in their order. */
export const OPERATION_EVENTS = {
  list: ['pre_list', 'pre_list_in_transaction', 'post_list_in_transaction', 'post_list'],
  show: ['pre_show', 'pre_show_in_transaction', 'post_show_in_transaction', 'post_show'],
  create: ['pre_create', 'pre_create_in_transaction', 'post_create_in_transaction', 'post_create'],
  update: ['pre_update', 'pre_update_in_transaction', 'post_update_in_transaction', 'post_update'],
  delete: ['pre_delete', 'pre_delete_in_transaction', 'post_delete_in_transaction', 'post_delete'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The events inside the transaction of an operation. */
export function inTransaction(operation: keyof typeof OPERATION_EVENTS): readonly string[] {
  return OPERATION_EVENTS[operation].slice(1, 3);
}

/** The resource that an event left; EXTENSION_FAILED when it is none. */
export function takeResource(event: string, { resource }: EventOutcome): JsonObject {
  if (!isObject(resource)) throw wrongContext(event, 'context.resource', resource);
  return resource;
}

/** The response that an event left; EXTENSION_FAILED when there is none or it is no object. */
export function takeResponse(event: string, { response }: EventOutcome): JsonObject {
  if (!isObject(response)) throw wrongContext(event, 'context.response', response);
  return response;
}

function wrongContext(event: string, key: string, found: unknown): SekishoError {
  const what = found === undefined || found === null ? 'nothing' : Array.isArray(found) ? 'a list' : `a ${typeof found}`;
  return new SekishoError('EXTENSION_FAILED', 'An extension left what is no answer; the log has the details under this id.', {
    cause: new Error(`after ${event}, ${key} has to be an object; found ${what}`),
  });
}
