import type { SekishoError } from './errors.ts';

/** What is told about the processes of a gateway. */
export type WorkerEvent =
  /**
   * `started`: the process is there; `serving`: it takes connections; `draining`: it takes none any more; `ended`: as it was told to;
   * `crashed`: it ended by itself; `stalled`, `full`: it does not answer, or is over its memory limit, and is replaced.
   */
  | {
      readonly type: 'worker.state';
      readonly worker: number;
      readonly pid: number;
      readonly state: 'started' | 'serving' | 'draining' | 'ended' | 'crashed' | 'stalled' | 'full';
      readonly reason?: string;
      /** Until the next try, after a crash. */
      readonly pauseMs?: number;
    }
  /** The configuration was read again. `later` are the keys that count from the next start on. */
  | {
      readonly type: 'server.reloaded';
      readonly changed: readonly string[];
      readonly later: readonly string[];
      readonly durationMs: number;
    }
  /** The program is handed over to a new process, which is there (`pid`), serves, or did not come up. */
  | {
      readonly type: 'server.upgrade';
      readonly state: 'started' | 'done' | 'failed';
      readonly pid: number;
      readonly version?: string;
      readonly error?: SekishoError;
    };

export type WorkerState = Extract<WorkerEvent, { readonly type: 'worker.state' }>['state'];
