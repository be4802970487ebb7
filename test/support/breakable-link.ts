import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP link to a server on this machine that can be broken. */
export interface BreakableLink {
  readonly port: number;
  /** Breaks all connections; new ones work. */
  breakAll(): void;
  /** Lets what is sent through, and breaks each connection where the next answer would come; new ones work. */
  dropAnswers(): void;
  close(): Promise<void>;
}

/** Listens on a free port and forwards to `target`. */
export async function startBreakableLink(target: number): Promise<BreakableLink> {
  const pairs = new Set<{ readonly client: Socket; readonly upstream: Socket; isDropping: boolean }>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const pair = { client, upstream, isDropping: false };
    pairs.add(pair);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => (pair.isDropping ? end() : client.write(chunk)));
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const breakAll = (): void => {
    for (const { client, upstream } of pairs) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    breakAll,
    dropAnswers() {
      for (const pair of pairs) pair.isDropping = true;
    },
    async close() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
