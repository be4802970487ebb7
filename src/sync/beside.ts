import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';

export interface SideWork {
  /** Resolves when it is time, or when the signal is aborted. */
  wait(signal: AbortSignal): Promise<void>;
  run(): Promise<void>;
  /** For people, when it fails. */
  readonly what: string;
}

/** Does something beside other work, again and again, until the signal is aborted. A failure is told, and it is tried again the next time. */
export async function beside({ wait, run, what }: SideWork, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await wait(signal);
    if (signal.aborted) return;
    try {
      await run();
    } catch (error) {
      if (!signal.aborted) observe({ type: 'error', error: toSekishoError(error), where: what });
    }
  }
}
