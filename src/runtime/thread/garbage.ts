import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Share of the heap limit from which a measurement is preceded by a collection. */
const NEARLY_FULL = 0.8;
const MIN_PAUSE_MS = 250;

/**
 * Measures a heap that has garbage in it: beyond 80 % of the limit it is collected first, at most four times a second, so that
 * only what is alive counts.
 */
export function createHeapMeter(limitBytes: number): () => NodeJS.MemoryUsage {
  const usageOf = process.memoryUsage.bind(process);
  let collect: (() => void) | undefined;
  let collectedAt = 0;
  return () => {
    const usage = usageOf();
    if (usage.heapUsed < limitBytes * NEARLY_FULL || performance.now() - collectedAt < MIN_PAUSE_MS) return usage;
    collect ??= exposeCollector();
    collect();
    collectedAt = performance.now();
    return usageOf();
  };
}

/** A function that collects all garbage. V8 gives its `gc` to contexts that are made while the flag is set; modules never see it. */
export function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
