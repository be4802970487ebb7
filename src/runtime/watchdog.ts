import type { LoadedProgram } from './program.ts';

/** Looks after all threads with one timer: every 50 ms while calls are in flight, every second else. */
export interface Watchdog {
  wake(): void;
  close(): void;
}

const BUSY_MS = 50;
const IDLE_MS = 1000;

export function createWatchdog(programs: () => Iterable<LoadedProgram>): Watchdog {
  let busy = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    timer = closed ? undefined : setTimeout(tick, ms).unref();
  };
  const tick = (): void => {
    const now = performance.now();
    const rss = process.memoryUsage.rss();
    busy = false;
    for (const program of programs()) {
      const { host } = program;
      if (host === undefined) continue;
      host.tick(now, rss);
      busy ||= program.isBusy || host.isLoading;
    }
    schedule(busy ? BUSY_MS : IDLE_MS);
  };
  schedule(IDLE_MS);
  return {
    wake() {
      if (busy) return;
      busy = true;
      schedule(BUSY_MS);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
