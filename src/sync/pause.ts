/** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** The pause before try number `failures` + 1: doubles from 100 ms up to `maxMs`, varied by half. */
export function backoffMs(failures: number, maxMs: number): number {
  return Math.min(100 * 2 ** Math.min(failures - 1, 20), maxMs) * (0.5 + Math.random() / 2);
}
