import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { ExtensionFailure } from './failure.ts';
import type { EventOutcome, Fields } from './types.ts';
import { CHANGE, FAILURE, NEW_RESPONSE, TRACKED } from './wire.ts';

/** What a handler threw, as its thread tells it. */
export interface Thrown {
  readonly kind: number;
  readonly exception: string;
  readonly status: number;
  readonly message: string;
  /** JSON text. */
  readonly body: string | undefined;
  /** Number of the failed call that it comes from, or 0. */
  readonly call: number;
  readonly stack: string;
}

/** Reads what an event left of the tracked keys; `known` are the values that the gateway knows, which are brought up to date. */
export function readOutcome(mask: number, next: () => unknown, known: Map<string, unknown>): EventOutcome {
  for (const [at, key] of TRACKED.entries()) {
    const change = (mask >> (2 * at)) & 3;
    if (change === CHANGE.absent) known.delete(key);
    else if (change === CHANGE.changed) known.set(key, JSON.parse(String(next())));
  }
  return toOutcome(known, (mask & NEW_RESPONSE) !== 0);
}

/** The tracked keys of a context. */
export function toOutcome(known: ReadonlyMap<string, unknown>, hasNewResponse: boolean): EventOutcome {
  const outcome: Record<string, unknown> = { hasNewResponse };
  for (const key of TRACKED) if (known.get(key) !== undefined) outcome[key] = known.get(key);
  return outcome as Fields & EventOutcome;
}

/** What `ExtensionCall.run` rejects with. `cause` is the error of the failed call that the throw comes from. */
export function toRunError(thrown: Thrown, cause: unknown, event: string): unknown {
  if (thrown.kind === FAILURE.passed && cause !== undefined) return cause;
  if (thrown.kind === FAILURE.answer && thrown.status !== 500)
    return new ExtensionFailure({
      exception: thrown.exception,
      status: thrown.status,
      message: thrown.message,
      ...(thrown.body !== undefined && { body: JSON.parse(thrown.body) as unknown }),
      ...(cause !== undefined && { cause: toSekishoError(cause) }),
    });
  return new SekishoError('EXTENSION_FAILED', `A handler of ${event} failed.`, cause === undefined ? {} : { cause });
}
