import { connect, createServer, type Server, type Socket } from 'node:net';
import { findFreePorts } from './ports.ts';

/** A TCP link to a server on this machine whose faults are steered by a test. */
export interface TcpFaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections so far. */
  readonly total: number;
  /** Breaks every connection after so many more bytes of answers; `null` for never. Also those made from now on, each counting for itself. */
  cutAfter(bytes: number | null): void;
  /** Breaks all connections; new ones work. */
  breakAll(): void;
  /** Answers are held back, on all connections, until `flow`; requests still reach the server. */
  stall(): void;
  flow(): void;
  /** Nobody listens until `accept`; open connections break. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** New connections go to another server; those that are open break. */
  retarget(port: number): void;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  left: number;
}

/** Listens on a free port of loopback and forwards to `target`. */
export async function startTcpFaultProxy(target: number): Promise<TcpFaultProxy> {
  const links = new Set<Link>();
  let budget = Number.POSITIVE_INFINITY;
  let isStalled = false;
  let total = 0;
  let to = target;
  const end = (link: Link): void => {
    links.delete(link);
    link.client.destroy();
    link.upstream.destroy();
  };
  const breakAll = (): void => {
    for (const link of links) end(link);
  };
  const forward = (link: Link, chunk: Buffer): void => {
    const part = chunk.length <= link.left ? chunk : chunk.subarray(0, link.left);
    link.left -= part.length;
    const isWritable = link.client.write(part, () => link.left <= 0 && end(link));
    // Backpressure goes through, as on a real link.
    if (!isWritable) link.upstream.pause();
  };
  const server = createServer((client) => {
    total += 1;
    const link: Link = { client, upstream: connect(to, '127.0.0.1'), left: budget };
    links.add(link);
    client.on('data', (chunk) => link.upstream.write(chunk));
    client.on('drain', () => isStalled || link.upstream.resume());
    link.upstream.on('data', (chunk) => forward(link, chunk));
    if (isStalled) link.upstream.pause();
    for (const socket of [client, link.upstream]) socket.on('error', () => end(link)).on('close', () => end(link));
  });
  const [port = 0] = await findFreePorts(1);
  await listen(server, port);
  return {
    port,
    get open() {
      return links.size;
    },
    get total() {
      return total;
    },
    cutAfter(bytes) {
      budget = bytes ?? Number.POSITIVE_INFINITY;
      for (const link of links) link.left = budget;
    },
    breakAll,
    stall() {
      isStalled = true;
      for (const link of links) link.upstream.pause();
    },
    flow() {
      isStalled = false;
      for (const link of links) link.upstream.resume();
    },
    async refuse() {
      const closed = new Promise((resolve) => server.close(resolve));
      breakAll();
      await closed;
    },
    retarget(next) {
      to = next;
      breakAll();
    },
    async accept() {
      await listen(server, port);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      breakAll();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
