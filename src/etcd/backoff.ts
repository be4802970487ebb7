/** Pauses that double up to a limit, jittered so that many clients do not come back at once. */
export interface Backoff {
  /** Milliseconds to wait before the next try. */
  next(): number;
  /** It went well: begin anew. */
  reset(): void;
}

/** `firstMs` is the mean of the first pause. */
export function createBackoff(firstMs: number, maxMs: number): Backoff {
  let mean = firstMs;
  return {
    next() {
      const pause = mean * (0.5 + Math.random());
      mean = Math.min(mean * 2, maxMs);
      return pause;
    },
    reset() {
      mean = firstMs;
    },
  };
}
