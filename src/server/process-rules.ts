import { setFlagsFromString } from 'node:v8';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';

/**
 * Patterns of routes, domains and schemas meet text from clients. One that backtracks too much is handed to V8's linear engine instead of
 * blocking the event loop (`^(a+)+$`: seconds become 2 ms).
 */
export function boundRegularExpressions(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}

/** A bug in the handling of one request must not take the others down: it is told, with its stack, and the process serves on. */
export function surviveBugs(): void {
  process.on('uncaughtException', (error) => observe({ type: 'error', error: toSekishoError(error), where: 'uncaught exception' }));
  process.on('unhandledRejection', (reason) => {
    const error =
      reason instanceof SekishoError
        ? reason
        : new SekishoError('INTERNAL', 'A promise was rejected and nobody listened.', { cause: reason });
    observe({ type: 'error', error, where: 'unhandled rejection' });
  });
}
