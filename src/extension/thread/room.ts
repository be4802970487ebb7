import { exposeCollector } from '../../runtime/thread/garbage.ts';
import type { Environment } from './environment.ts';

/** Share of the heap limit from which environments are unloaded, and from which that is looked at each time. */
const CROWDED = 0.5;
const PRESSING = 0.75;
const MIN_PAUSE_MS = 250;

/** Keeps the environments of a thread within its heap: a schema set may have hundreds, of which few are in use at a time. */
export interface Room {
  /** An event of it runs. */
  use(environment: Environment): void;
  /** It was loaded: others, used longest ago, may be unloaded for it. */
  loaded(environment: Environment): void;
}

/** `isInUse` tells of environments that a request has to find as it left them. */
export function createRoom(heapLimitBytes: number, isInUse: (environment: Environment) => boolean): Room {
  const usageOf = process.memoryUsage.bind(process);
  // In the order of their last use.
  const loaded = new Set<Environment>();
  let collect: (() => void) | undefined;
  let collectedAt = Number.NEGATIVE_INFINITY;
  const isOver = (share: number): boolean => usageOf().heapUsed > heapLimitBytes * share;
  /** What was unloaded is garbage that counts until it is collected. */
  const tidy = (): void => {
    collect ??= exposeCollector();
    collect();
    collectedAt = performance.now();
  };
  const unloadHalf = (but: Environment): void => {
    for (const one of [...loaded].slice(0, loaded.size / 2)) {
      if (one === but || isInUse(one)) continue;
      one.unload();
      loaded.delete(one);
    }
  };
  return {
    use(environment) {
      if (loaded.delete(environment)) loaded.add(environment);
    },
    loaded(environment) {
      loaded.add(environment);
      if (!isOver(performance.now() - collectedAt < MIN_PAUSE_MS ? PRESSING : CROWDED)) return;
      tidy();
      if (!isOver(CROWDED)) return;
      unloadHalf(environment);
      tidy();
    },
  };
}
