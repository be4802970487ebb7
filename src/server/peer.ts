import type { ChildProcess } from 'node:child_process';
import type { SocketHandle } from '../http/listening-socket.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { fromWireError, toWireError, type WireError } from './wire-error.ts';

/** Functions that the other process may call. Arguments and results travel as structured clones. */
export type Calls = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The functions of this process: as `Calls`, each given the socket that was sent along as its last argument, when there was one. */
export type Handlers<C extends Calls> = {
  readonly [N in keyof C]: (...args: [...Parameters<C[N]>, socket?: SocketHandle]) => ReturnType<C[N]> | Promise<ReturnType<C[N]>>;
};

/** The other process: a parent or a child, joined by Node's channel. */
export interface Peer<C extends Calls> {
  /** What the other process answers. Rejects with its error, or with WORKER_CRASHED when it ends before it has answered. */
  call<N extends keyof C & string>(name: N, ...args: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>>;
  /** The same, with a socket that the other process gets a descriptor of its own for; this process keeps its own. */
  send<N extends keyof C & string>(socket: SocketHandle, name: N, ...args: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>>;
  /** Calls `listener` when the other process is gone; at once when it is. */
  onGone(listener: () => void): void;
}

type Message =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: SekishoError) => void;
}

/** Calls that may wait for an answer of one process; what is beyond is refused, as a process that is so far behind will not answer them. */
const MAX_WAITING = 20_000;

/** Joins this process to `port`, which is a child with a channel, or `process` in a child. `name` is for messages: `worker 2`. */
export function createPeer<Theirs extends Calls, Mine extends Calls>(
  port: ChildProcess | NodeJS.Process,
  name: string,
  handlers: Handlers<Mine>,
): Peer<Theirs> {
  const waiting = new Map<number, Waiting>();
  const listeners: (() => void)[] = [];
  let last = 0;
  let isGone = false;
  const post = (message: Message, socket?: SocketHandle): void => {
    if (port.send === undefined || isGone) return;
    // An error means that the other side is gone, which `disconnect` tells.
    port.send(message, socket as never, {}, () => undefined);
  };
  const answer = async (id: number, call: string, args: readonly unknown[], socket: SocketHandle | undefined): Promise<void> => {
    try {
      const handler = handlers[call] as ((...args: readonly unknown[]) => unknown) | undefined;
      if (handler === undefined) throw new SekishoError('INTERNAL', `${name} asks for ${call}, which this version does not know`);
      post({ id, value: await handler(...args, ...(socket === undefined ? [] : [socket])) });
    } catch (error) {
      post({ id, error: toWireError(error) });
    }
  };
  const gone = (): void => {
    if (isGone) return;
    isGone = true;
    for (const { reject } of waiting.values()) reject(new SekishoError('WORKER_CRASHED', `${name} ended before it had answered`));
    waiting.clear();
    for (const listener of listeners) listener();
  };
  (port as ChildProcess).on('message', (message: Message, socket: unknown) => {
    if ('call' in message) return void answer(message.id, message.call, message.args, socket as SocketHandle | undefined);
    const found = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) found?.reject(fromWireError(message.error));
    // The value belongs to the call of that id.
    else found?.resolve(message.value as never);
  });
  (port as ChildProcess).on('disconnect', gone);
  (port as ChildProcess).on('error', (error) => {
    observe({ type: 'error', error: toSekishoError(error), where: name });
    gone();
  });
  const ask = (call: string, args: readonly unknown[], socket?: SocketHandle): Promise<never> => {
    if (isGone || port.send === undefined) return Promise.reject(new SekishoError('WORKER_CRASHED', `${name} is gone`));
    if (waiting.size >= MAX_WAITING)
      return Promise.reject(new SekishoError('WORKER_ABSENT', `${name} has ${waiting.size} calls to answer`));
    last += 1;
    const id = last;
    return new Promise<never>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      post({ id, call, args }, socket);
    });
  };
  return {
    call: (call, ...args) => ask(call, args),
    send: (socket, call, ...args) => ask(call, args, socket),
    onGone(listener) {
      if (isGone) listener();
      else listeners.push(listener);
    },
  };
}
