import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below this the services of a machine listen. */
const LOWEST = 10_240;

/**
 * `count` different TCP ports of loopback that nobody listens on, and that stay with this process until it ends: none is of the range from which
 * the system hands out ports, and a test process that looks for ports passes over those of the others. Nor does any have a port of another one above it,
 * where a gateway listens for probes. Still, a program that is no test may take one: listen on 0 where you can.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > 10_000) throw new Error('no port is free');
    const port = 2 * randomInt(LOWEST / 2, HIGHEST / 2);
    if ((await claim(port)) && (await isFree(port)) && (await isFree(port + 1))) ports.push(port);
  }
  return ports;
}

/** The first of `count` ports in a row, found and kept like those of `findFreePorts`. */
export async function findFreeRange(count: number): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const first = 2 * randomInt(LOWEST / 2, (HIGHEST - count) / 2);
    const claimed: boolean[] = [];
    for (let port = first; port < first + count; port += 2)
      claimed.push((await claim(port)) && (await isFree(port)) && (await isFree(port + 1)));
    if (claimed.every(Boolean)) return first;
  }
  throw new Error(`no ${count} ports in a row are free`);
}

const HIGHEST = firstOfSystem();

/** The first of the ports that the system hands out. */
function firstOfSystem(): number {
  try {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]);
    return first > LOWEST + 2000 ? first : 65_534;
  } catch {
    return 65_534;
  }
}

/** Takes a name that one process alone can hold: that of an abstract socket, which ends with the process and lives in the network namespace as ports do. Where there are none, chance must do. */
function claim(port: number): Promise<boolean> {
  return listens({ path: `\0sekisho-test-port-${port}` }, 'keep');
}

function isFree(port: number): Promise<boolean> {
  return listens({ port, host: '127.0.0.1' }, 'close');
}

function listens(
  where: { readonly path: string } | { readonly port: number; readonly host: string },
  then: 'keep' | 'close',
): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server
      .once('error', (error: NodeJS.ErrnoException) => resolve('path' in where && error.code !== 'EADDRINUSE'))
      .listen(where, () => {
        if (then === 'keep') resolve(true);
        else server.close(() => resolve(true));
      });
  });
}
