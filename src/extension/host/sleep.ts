import { abortError } from './host-error.ts';

/** Waits; rejects with EXTENSION_TIMEOUT or EXTENSION_ABORTED as soon as the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const stop = (): void => {
      clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop);
        resolve();
      },
      Math.min(Math.max(ms, 0), MAX_MS),
    );
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Node's longest timer; the event's deadline comes long before. */
const MAX_MS = 0x7fffffff;
