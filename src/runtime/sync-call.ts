import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { SLOT } from './wire.ts';

/*
 * Synchronous calls out of a thread: the thread posts the call and waits on shared memory; the gateway does the work
 * asynchronously, posts the answer, and wakes the thread, which takes it from the port without turning its event loop.
 * While the thread waits, the gateway may send it other work the same way.
 */

/** Why a call failed: code, message, and what else the error shall have. */
export type CallFailure = readonly [code: string, message: string, fields?: Readonly<Record<string, unknown>>];

/** What the gateway answers: the value, or a failure. */
type Answer = readonly [number, true, unknown] | readonly [number, false, CallFailure];

/** Marks a message that is no answer. */
const WORK = 0;

/** Makes a synchronous call; throws an Error with `code` when it fails. To be used in the thread. */
export type SyncCall = (name: string, invocation: number, args: readonly unknown[]) => unknown;

/** What the thread's end may be given: work that arrives while it waits, and another way to throw. */
export interface SyncCallerOptions {
  onWork?(work: unknown): void;
  toThrow?(failure: CallFailure): unknown;
}

/** The thread's end. `shared` is the Int32 view of the memory that both sides have. Calls nest: work may make calls of its own. */
export function createSyncCaller(port: MessagePort, shared: Int32Array, options: SyncCallerOptions = {}): SyncCall {
  let number = 0;
  let waiting = 0;
  /** Answers to outer calls that came while an inner one waited. */
  const early = new Map<number, Answer>();
  const toThrow = options.toThrow ?? toError;
  const receive = (mine: number): Answer => {
    for (;;) {
      const known = early.get(mine);
      if (known !== undefined) {
        early.delete(mine);
        return known;
      }
      // Read before the port is, so that what comes in between ends the wait.
      const before = Atomics.load(shared, SLOT.answer);
      const message = receiveMessageOnPort(port)?.message as Answer | readonly [typeof WORK, unknown] | undefined;
      if (message === undefined) Atomics.wait(shared, SLOT.answer, before);
      else if (message[0] === mine) return message as Answer;
      else if (message[0] === WORK) options.onWork?.(message[1]);
      else if (waiting > 1) early.set(message[0], message as Answer);
    }
  };
  return (name, invocation, args) => {
    number += 1;
    const mine = number;
    port.postMessage([mine, name, invocation, args]);
    waiting += 1;
    try {
      const answer = receive(mine);
      if (answer[1]) return answer[2];
      throw toThrow(answer[2]);
    } finally {
      waiting -= 1;
    }
  };
}

function toError([code, message, fields]: CallFailure): Error {
  return Object.assign(new Error(message), { code, ...fields });
}

/** Does the work of a call; what it rejects with is answered as a failure. */
export type SyncWork = (name: string, invocation: number, args: readonly unknown[]) => Promise<unknown>;

/** The gateway's end. */
export interface SyncServer {
  /** Answers that the thread waits for, nested ones included: while it waits it is not to blame for being silent. */
  readonly pending: number;
  /** Sends work to a thread that waits. */
  send(work: unknown): void;
  close(): void;
}

export function createSyncServer(
  port: MessagePort,
  shared: Int32Array,
  work: SyncWork,
  toFailure: (error: unknown) => CallFailure,
): SyncServer {
  let pending = 0;
  const post = (message: unknown): void => {
    port.postMessage(message);
    Atomics.add(shared, SLOT.answer, 1);
    Atomics.notify(shared, SLOT.answer);
  };
  const answer = (message: Answer): void => {
    pending -= 1;
    post(message);
  };
  port.on('message', ([number, name, invocation, args]: [number, string, number, readonly unknown[]]) => {
    pending += 1;
    work(name, invocation, args).then(
      (value) => answer([number, true, value]),
      (error: unknown) => answer([number, false, toFailure(error)]),
    );
  });
  port.unref();
  return {
    get pending() {
      return pending;
    },
    send: (message) => post([WORK, message]),
    close: () => port.close(),
  };
}
