import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { SLOT } from './wire.ts';

/*
 * Synchronous calls out of a thread: the thread posts the call and waits on shared memory; the gateway does the work
 * asynchronously, posts the answer, and wakes the thread, which takes it from the port without turning its event loop.
 */

/** What the gateway answers: the value, or the code and message of an error. */
type Answer = readonly [number, true, unknown] | readonly [number, false, string, string];

/** Makes a synchronous call; throws an Error with `code` when it fails. To be used in the thread. */
export type SyncCall = (name: string, invocation: number, args: readonly unknown[]) => unknown;

/** The thread's end. `shared` is the Int32 view of the memory that both sides have. */
export function createSyncCaller(port: MessagePort, shared: Int32Array): SyncCall {
  let number = 0;
  return (name, invocation, args) => {
    number += 1;
    const before = Atomics.load(shared, SLOT.answer);
    port.postMessage([number, name, invocation, args]);
    Atomics.wait(shared, SLOT.answer, before);
    const answer = receiveMessageOnPort(port)?.message as Answer | undefined;
    if (answer?.[0] !== number) throw new Error('a synchronous call got no answer');
    if (answer[1]) return answer[2];
    throw Object.assign(new Error(answer[3]), { code: answer[2] });
  };
}

/** Does the work of a call; what it rejects with is answered as code and message. */
export type SyncWork = (name: string, invocation: number, args: readonly unknown[]) => Promise<unknown>;

/** The gateway's end. `pending` tells how many answers the thread waits for (0 or 1): while it waits it is not to blame for being silent. */
export interface SyncServer {
  readonly pending: number;
  close(): void;
}

export function createSyncServer(
  port: MessagePort,
  shared: Int32Array,
  work: SyncWork,
  toError: (error: unknown) => readonly [string, string],
): SyncServer {
  let pending = 0;
  const answer = (message: Answer): void => {
    pending -= 1;
    port.postMessage(message);
    Atomics.add(shared, SLOT.answer, 1);
    Atomics.notify(shared, SLOT.answer);
  };
  port.on('message', ([number, name, invocation, args]: [number, string, number, readonly unknown[]]) => {
    pending += 1;
    work(name, invocation, args).then(
      (value) => answer([number, true, value]),
      (error: unknown) => {
        const [code, text] = toError(error);
        answer([number, false, code, text]);
      },
    );
  });
  port.unref();
  return {
    get pending() {
      return pending;
    },
    close: () => port.close(),
  };
}
