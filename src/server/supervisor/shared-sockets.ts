import type { ListenOptions } from '../../http/listener.ts';
import { bindAnother, bindShared, portOf, type SocketHandle } from '../../http/listening-socket.ts';

/** A bound socket with the listener that it belongs to, as it is handed over to another process. */
export interface HandedSocket {
  readonly listener: string;
  readonly host: string;
  /** As configured: 0 is a free one. */
  readonly port: number;
}

export interface BoundSocket extends HandedSocket {
  readonly socket: SocketHandle;
}

/** The sockets of all listeners. They stay open as long as the program, so that connections wait in them while a worker is replaced. */
export interface SharedSockets {
  /** Goes on with sockets of the process before this one; those that no listener takes are closed at the next `ensure`. */
  take(handed: readonly BoundSocket[]): void;
  /** Makes sure that each listener has one for each of `count` processes. Those that are there stay, with the connections that wait in them. */
  ensure(listeners: readonly ListenOptions[], count: number): Promise<void>;
  portOf(listener: string): number;
  /** The sockets of the process at `index` of `count`: every one belongs to exactly one process. */
  of(index: number, count: number): readonly BoundSocket[];
  all(): readonly BoundSocket[];
  close(): void;
}

interface Bound {
  readonly address: HandedSocket;
  readonly sockets: SocketHandle[];
}

export function createSharedSockets(): SharedSockets {
  const bound = new Map<string, Bound>();
  let unclaimed: readonly BoundSocket[] = [];
  const bind = async ({ name, host, port, setting }: ListenOptions, count: number): Promise<void> => {
    const known = bound.get(name) ?? { address: { listener: name, host, port }, sockets: [] };
    bound.set(name, known);
    const mine = unclaimed.filter((each) => each.listener === name && each.host === host && each.port === port);
    unclaimed = unclaimed.filter((each) => !mine.includes(each));
    known.sockets.push(...mine.map(({ socket }) => socket));
    const [first] = known.sockets;
    if (first === undefined) known.sockets.push(...(await bindShared({ host, port, setting }, count)));
    else while (known.sockets.length < count) known.sockets.push(bindAnother(first, { host, port, setting }));
  };
  return {
    take(handed) {
      unclaimed = handed;
    },
    async ensure(listeners, count) {
      for (const listener of listeners) await bind(listener, count);
      for (const { socket } of unclaimed) socket.close();
      unclaimed = [];
    },
    portOf(listener) {
      const socket = bound.get(listener)?.sockets[0];
      return socket === undefined ? 0 : portOf(socket);
    },
    of: (index, count) =>
      [...bound.values()].flatMap(({ address, sockets }) =>
        sockets.filter((_, at) => at % count === index).map((socket) => ({ ...address, socket })),
      ),
    all: () => [...bound.values()].flatMap(({ address, sockets }) => sockets.map((socket) => ({ ...address, socket }))),
    close() {
      for (const { sockets } of bound.values()) for (const socket of sockets) socket.close();
      bound.clear();
    },
  };
}
