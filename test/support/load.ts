import http from 'node:http';
import { ask } from './client.ts';

export interface LoadOptions {
  /** Connections that are kept open and always busy. */
  readonly kept?: number;
  /** Loops that open a connection for each request. */
  readonly fresh?: number;
}

/** Requests that are sent until it is stopped. */
export interface Load extends AsyncDisposable {
  /** Answers so far. */
  readonly count: number;
  /** What was no 200: statuses and errors, with the milliseconds since the start. */
  readonly failures: readonly string[];
  /** Resolves when the last answers are there. */
  stop(): Promise<void>;
}

/** Sends GET requests to `url`, over kept connections and fresh ones, and counts what is no 200. No request is sent twice. */
export function startLoad(url: string, { kept = 8, fresh = 4 }: LoadOptions = {}): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: kept });
  const failures: string[] = [];
  const startedAt = performance.now();
  let count = 0;
  const stopping = new AbortController();
  const loop = async (own: http.Agent | undefined): Promise<void> => {
    while (!stopping.signal.aborted) {
      const outcome = await ask(url, { ...(own !== undefined && { agent: own }) }).then(
        ({ status }) => (status === 200 ? undefined : String(status)),
        (error: Error) => error.message,
      );
      count += 1;
      if (outcome !== undefined) failures.push(`${outcome} after ${Math.round(performance.now() - startedAt)} ms`);
    }
  };
  const loops = [...Array.from({ length: kept }, () => loop(agent)), ...Array.from({ length: fresh }, () => loop(undefined))];
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(loops);
    agent.destroy();
  };
  return {
    get count() {
      return count;
    },
    failures,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
