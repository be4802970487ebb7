import type { MessagePort } from 'node:worker_threads';
import { type CallFailure, createSyncCaller } from '../../runtime/sync-call.ts';
import type { Outbox } from '../../runtime/thread/outbox.ts';
import { FROM_THREAD } from '../wire.ts';

/** Property of errors of failed calls: the call's number, by which the gateway finds the error itself. */
const CALL = Symbol('call');

/** A failed call: what its error is made of. */
export type ToError = (failure: CallFailure) => Error;

/** The thread's calls to the gateway. Arguments and results are JSON values. */
export interface Gateway {
  /** Rejects with an Error that has the fields of a HostCallError. */
  call(run: number, name: string, args: readonly unknown[]): Promise<unknown>;
  /** Blocks the thread. `parse` and `toError` make values of the caller's realm. */
  callSync(run: number, name: string, args: readonly unknown[], parse: (text: string) => unknown, toError: ToError): unknown;
  reply(call: number, isOk: boolean, value: unknown): void;
  /** Whether the thread waits in a synchronous call: what runs is nested in it. */
  readonly isWaiting: boolean;
}

/** What a gateway is made of. `onWork` takes what arrives while the thread waits. */
export interface GatewayOptions {
  readonly port: MessagePort;
  readonly shared: Int32Array;
  readonly outbox: Outbox;
  onWork(batch: unknown): void;
}

export function createGateway({ port, shared, outbox, onWork }: GatewayOptions): Gateway {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  let depth = 0;
  const callSync = createSyncCaller(port, shared, { onWork, toThrow: (failure) => new Failed(failure) });
  return {
    get isWaiting() {
      return depth > 0;
    },
    call: (run, name, args) =>
      new Promise((resolve, reject) => {
        last += 1;
        const texts = toTexts(name, args);
        waiting.set(last, { resolve, reject });
        outbox.put(FROM_THREAD.call, last, run, name, texts);
      }),
    callSync(run, name, args, parse, toErrorOf) {
      last += 1;
      const call = last;
      const texts = toTexts(name, args);
      outbox.flush();
      depth += 1;
      try {
        const text = callSync(name, run, [call, ...texts]) as string | undefined;
        return text === undefined ? undefined : parse(text);
      } catch (thrown) {
        throw thrown instanceof Failed ? mark(toErrorOf(thrown.failure), call) : thrown;
      } finally {
        depth -= 1;
      }
    },
    reply(call, isOk, value) {
      const waiter = waiting.get(call);
      waiting.delete(call);
      if (isOk) waiter?.resolve(value === undefined ? undefined : JSON.parse(value as string));
      else waiter?.reject(mark(toError(value as CallFailure), call));
    },
  };
}

class Failed {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    this.failure = failure;
  }
}

/** The number of the failed call that an error comes from: its own, or that of what caused it; 0 when there is none. */
export function failedCallOf(thrown: unknown): number {
  let error = thrown as { [CALL]?: number; cause?: unknown; inner_exception?: unknown } | null | undefined;
  for (let depth = 0; depth < 5 && error !== null && typeof error === 'object'; depth += 1) {
    if (error[CALL] !== undefined) return error[CALL];
    error = (error.cause ?? error.inner_exception) as typeof error;
  }
  return 0;
}

/** Whether an error is itself that of a failed call, not one that was made from it. */
export function isFailedCall(thrown: unknown): boolean {
  return thrown !== null && typeof thrown === 'object' && Object.hasOwn(thrown, CALL);
}

function mark(error: Error, call: number): Error {
  Object.defineProperty(error, CALL, { value: call });
  return error;
}

function toError([code, message, fields]: CallFailure): Error {
  return Object.assign(new Error(message), { code, ...fields });
}

function toTexts(name: string, args: readonly unknown[]): (string | undefined)[] {
  return args.map((arg, at) => {
    try {
      return JSON.stringify(arg);
    } catch (error) {
      throw new TypeError(`argument ${at + 1} of ${name} is no JSON value: ${(error as Error).message}`, { cause: error });
    }
  });
}
