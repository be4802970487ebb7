import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ResponseCase } from './responses.ts';

/** One play of a case: when the client has the head, and what became of the connection to the upstream. */
export interface Play {
  readonly clientHasHead: () => void;
  /** The connection that carried the case. */
  readonly connection: Promise<Socket>;
  /** Settles when the gateway closed that connection. */
  readonly closed: () => Promise<void>;
}

/** An upstream that answers `GET /case` with the exact bytes of the case that is being played and everything else with `next`. */
export interface PlayingUpstream extends AsyncDisposable {
  readonly port: number;
  play(item: ResponseCase): Play;
  /** The connection of the last request that was no case. */
  lastConnection(): Socket | undefined;
}

interface Running {
  readonly item: ResponseCase;
  readonly head: Promise<void>;
  readonly start: (socket: Socket) => void;
}

/** Starts it on a free port of loopback. */
export async function startPlayingUpstream(): Promise<PlayingUpstream> {
  const sockets = new Set<Socket>();
  let running: Running | undefined;
  let last: Socket | undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    let received = '';
    sockets.add(socket);
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const isCase = received.split(' ')[1] === '/case';
      received = received.slice(end + 4);
      if (isCase && running !== undefined) {
        running.start(socket);
        void perform(socket, running);
      } else {
        last = socket;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lastConnection: () => last,
    play(item) {
      const head = Promise.withResolvers<void>();
      const connection = Promise.withResolvers<Socket>();
      running = { item, head: head.promise, start: connection.resolve };
      return { clientHasHead: head.resolve, connection: connection.promise, closed: async () => untilClosed(await connection.promise) };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
}

async function perform(socket: Socket, { item, head }: Running): Promise<void> {
  for (const part of typeof item.bytes === 'string' ? [item.bytes] : item.bytes) {
    if (part !== '') await new Promise((resolve) => socket.write(part, 'latin1', resolve));
    await new Promise(setImmediate);
  }
  if (item.rest !== undefined) {
    await head;
    socket.write(item.rest, 'latin1');
  }
  if (item.closes) socket.end();
}
