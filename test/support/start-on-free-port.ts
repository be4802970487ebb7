import type { ChildProcess } from 'node:child_process';
import { findFreePorts } from './ports.ts';
import { until } from './until.ts';

const TRIES = 5;

/**
 * Starts a server that cannot listen on port 0. Another process may take the free port first, a server of the same kind for another test even:
 * `isOurs` asks who answers there, and a process that ended is started again on another port.
 */
export async function startOnFreePort(
  name: string,
  server: { readonly start: (port: number) => ChildProcess; readonly isOurs: (port: number) => Promise<boolean> },
): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  for (let tries = 1; ; tries += 1) {
    const [port = 0] = await findFreePorts(1);
    const process = server.start(port);
    let isUp = false;
    await until(
      `${name} answers`,
      async () => process.exitCode !== null || process.signalCode !== null || (isUp = await server.isOurs(port)),
    );
    if (isUp) return { process, port };
    if (tries === TRIES) throw new Error(`${name} ended ${TRIES} times before it answered`);
  }
}
