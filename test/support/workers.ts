import type { WorkerView } from '../../src/admin/types.ts';
import { ask } from './client.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
import { PATIENCE_MS, until } from './until.ts';

/** Starts a gateway with two workers. `config` must be an object. */
export async function startWithWorkers({ config = {}, ...options }: GatewayOptions = {}): Promise<Gateway> {
  if (typeof config === 'string') throw new TypeError('give the configuration as an object');
  return await startGateway({ ...options, config: { workers: 2, access_log: false, pid_file: './sekisho.pid', ...config } });
}

/** What the admin API tells about workers, in their order. */
export async function readWorkers({ adminUrl }: Gateway, timeoutMs = PATIENCE_MS): Promise<readonly WorkerView[]> {
  return (await ask(`${adminUrl}/api/v1/workers`, { timeoutMs })).json<{ data: WorkerView[] }>().data;
}

/** Waits until so many serve, and no other is left. */
export async function untilServing(gateway: Gateway, count = 2): Promise<readonly WorkerView[]> {
  return await until(`${count} workers serve`, async () => {
    const workers = await readWorkers(gateway, PATIENCE_MS / 6).catch(() => []);
    return workers.length === count && workers.every(({ state }) => state === 'serving') && workers;
  });
}

/** True while there is a process of that id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
