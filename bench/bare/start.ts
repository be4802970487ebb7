import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FAKE_USERS, toFakeIdentity } from '../../src/identity/fake-tokens.ts';
import { ask } from '../../test/support/client.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { SERVER_CORE } from '../cores.ts';
import type { Kind } from '../databases.ts';
import { TOKEN } from '../items.ts';

export interface BareServer extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
}

/** Starts the bare loop on the server core; settles when it answers. */
export async function startBare(kind: Kind, connection: string): Promise<BareServer> {
  const [port = 0] = await findFreePorts(1);
  const program = fileURLToPath(new URL('server.ts', import.meta.url));
  const user = FAKE_USERS.get(TOKEN);
  if (user === undefined) throw new Error(`nobody has ${TOKEN}`);
  const words = ['-c', SERVER_CORE, process.execPath, program, `${port}`, kind, connection, toFakeIdentity(user).tenantId];
  const child = spawn('taskset', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await until('the bare loop answers', () => ask(`${url}/bench/items/i0`).catch(() => undefined));
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, url, [Symbol.asyncDispose]: stop };
}
