import { type AddressInfo, createServer, type Server } from 'node:net';

/** `count` different TCP ports of loopback that nobody listens on now. Another process may take one meanwhile: listen on 0 where you can. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i += 1) servers.push(await listen());
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}
