/** Lets so many transactions with handlers be open at once that a connection is left for what their handlers do outside of them. */
export interface Gate {
  /** Resolves, in turn, when there is room; the result gives it back, once. Rejects when `signal` aborts before. */
  enter(signal: AbortSignal | undefined): Promise<() => void>;
}

/** Waiting is bounded by what waits: each is a request in flight. */
export function createGate(size: number): Gate {
  const waiting = new Set<() => void>();
  let free = size;
  const leave = (): (() => void) => {
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      free += 1;
      const [next] = waiting;
      next?.();
    };
  };
  return {
    enter(signal) {
      if (free > 0) {
        free -= 1;
        return Promise.resolve(leave());
      }
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          waiting.delete(enter);
          reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
        };
        const enter = (): void => {
          waiting.delete(enter);
          signal?.removeEventListener('abort', abort);
          free -= 1;
          resolve(leave());
        };
        if (signal?.aborted === true) return abort();
        signal?.addEventListener('abort', abort, { once: true });
        waiting.add(enter);
      });
    },
  };
}
