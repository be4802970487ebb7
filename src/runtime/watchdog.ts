/** What has threads to be looked after. */
export interface Watched {
  /** Whether one of them has something to do, so that deadlines are near. */
  readonly isBusy: boolean;
  tick(now: number, rss: number): void;
}

/** Looks after all threads with one timer: every 50 ms while calls are in flight, every second else. */
export interface Watchdog {
  wake(): void;
  close(): void;
}

const BUSY_MS = 50;
const IDLE_MS = 1000;

export function createWatchdog(watched: () => Iterable<Watched>): Watchdog {
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
    for (const one of watched()) {
      one.tick(now, rss);
      busy ||= one.isBusy;
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
