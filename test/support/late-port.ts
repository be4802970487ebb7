import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/** The URL of a server behind a port that nobody listens on until it is opened. */
export interface LatePort {
  readonly url: URL;
  /** From now on the port leads to the server. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Takes a free port for the server of `url`, and leaves it closed. */
export async function takeLatePort(url: URL): Promise<LatePort> {
  let server: Server | undefined = await listen(0, url);
  const { port } = server.address() as AddressInfo;
  const late = new URL(url);
  late.port = String(port);
  const close = async (): Promise<void> => {
    const open = server;
    server = undefined;
    if (open !== undefined) await new Promise((resolve) => open.close(resolve));
  };
  await close();
  return {
    url: late,
    async open() {
      server = await listen(port, url);
    },
    close,
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
