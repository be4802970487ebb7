import { connect, createServer, type Server } from 'node:net';
import { findFreePorts } from './ports.ts';

/** The URL of a server behind a port that nobody listens on until it is opened. */
export interface LatePort {
  readonly url: URL;
  /** From now on the port leads to the server. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Takes a free port for the server of `url`, and leaves it closed. */
export async function takeLatePort(url: URL): Promise<LatePort> {
  let server: Server | undefined;
  const [port = 0] = await findFreePorts(1);
  const late = new URL(url);
  late.port = String(port);
  return {
    url: late,
    async open() {
      server = await listen(port, url);
    },
    async close() {
      const open = server;
      server = undefined;
      if (open !== undefined) await new Promise((resolve) => open.close(resolve));
    },
  };
}

function listen(port: number, target: URL): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      for (const socket of [client, upstream]) {
        socket
          .on('error', () => undefined)
          .on('close', () => {
            client.destroy();
            upstream.destroy();
          });
      }
      client.pipe(upstream).pipe(client);
    });
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}
