import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionsTaken } from './sql-error.ts';

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;
const MAX_WAIT_MS = 5000;

/**
 * Runs `connect` until it is not refused because all connections of the server are taken: others give theirs back in a moment. Fails with ConnectionsTaken
 * after five seconds.
 */
export async function awaitConnection<T>(connect: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof ConnectionsTaken) || performance.now() > deadline) throw error;
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }
}
