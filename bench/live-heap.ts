import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Gateway } from '../test/support/gateway.ts';
import { processTree } from './process-usage.ts';

/** Environment of a gateway whose live heap is measured. */
export const LIVE_HEAP_ENV = { NODE_OPTIONS: `--expose-gc --import=${fileURLToPath(new URL('collect-garbage.ts', import.meta.url))}` };

const SETTLE_MS = 500;

/** Bytes of heap that live in each process of the gateway after all garbage is collected, by the name that metrics have for it. Its environment has to be that above. */
export async function readLiveHeaps(gateway: Gateway): Promise<ReadonlyMap<string, number>> {
  for (const pid of processTree(gateway.pid())) process.kill(pid, 'SIGWINCH');
  await pause(SETTLE_MS);
  const { text } = await gateway.admin('GET', '/metrics');
  const lines = text.matchAll(/^sekisho_heap_used_bytes(?:\{process="([^"]*)"\})? (\S+)$/gm);
  return new Map([...lines].map(([, process = 'gateway', bytes]) => [process, Number(bytes)]));
}
