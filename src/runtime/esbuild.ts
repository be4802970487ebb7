import { stop } from 'esbuild';

const IDLE_STOP_MS = 10_000;
let running = 0;
let idleTimer: NodeJS.Timeout | undefined;

/** Runs work that needs esbuild's service process, which is stopped when it was idle for a while. */
export async function withEsbuild<T>(work: () => Promise<T>): Promise<T> {
  clearTimeout(idleTimer);
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    if (running === 0) idleTimer = setTimeout(stopEsbuild, IDLE_STOP_MS).unref();
  }
}

/** Stops esbuild's service process now, if nobody uses it; the next compilation starts it again. */
export function stopEsbuild(): void {
  clearTimeout(idleTimer);
  if (running === 0) void stop();
}
