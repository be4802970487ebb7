import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerView } from '../../admin/types.ts';
import type { Entities } from '../../entity/types.ts';
import type { MetricSample } from '../metric-series.ts';
import type { ModelFiles } from '../models.ts';
import { createPeer, type Handlers, type Peer } from '../peer.ts';
import type { SupervisorCalls, WorkerCalls, WorkerVitals } from '../worker/calls.ts';

/** A worker process as its supervisor knows it. */
export interface WorkerProcess {
  /** Its place, from 1 on. */
  readonly worker: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly peer: Peer<WorkerCalls>;
  /** Resolves when the process is gone, with the reason. */
  readonly exited: Promise<string>;
  state: Exclude<WorkerView['state'], 'waiting'> | 'gone';
  vitals: WorkerVitals;
  /** The last metrics that it told. */
  samples: readonly MetricSample[];
  /** What it serves from, and the number of that state; undefined before it serves anything. */
  entities: Entities | undefined;
  version: number;
  /** The schema files that it serves, or is about to. */
  schemaFiles: ModelFiles | undefined;
  /** It takes part in changes. */
  isLive: boolean;
  /** Set before it is told to end: then its end is no crash. */
  isExpectedToEnd: boolean;
  /** It builds a change with code of users: when it ends now, that is why, and says nothing about the next process. */
  isAtRisk: boolean;
  /** When the question that it has not answered yet was asked. */
  askedAt: number | undefined;
  /** SIGKILL. */
  kill(reason: string): void;
  /** Lets go of a process that has closed everything: it ends. */
  release(): void;
}

const NO_VITALS: WorkerVitals = { requests: 0, inFlight: 0, connections: 0, rssBytes: 0 };

/** Starts a worker process. It does nothing until it is called. */
export function spawnWorker(worker: number, handlers: (self: () => WorkerProcess) => Handlers<SupervisorCalls>): WorkerProcess {
  const entry = fileURLToPath(new URL(`../worker/main${extname(import.meta.filename)}`, import.meta.url));
  // What it writes goes where this process writes; nothing of its own is on its standard input.
  const child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const peer = createPeer<WorkerCalls, SupervisorCalls>(
    child,
    `worker ${worker}`,
    handlers(() => self),
  );
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `it ended with ${code}` : `it was ended by ${signal}`));
  });
  let killedFor: string | undefined;
  const self: WorkerProcess = {
    worker,
    pid: child.pid ?? 0,
    startedAt: Date.now(),
    peer,
    exited: exited.then((how) => {
      self.state = 'gone';
      self.isLive = false;
      return killedFor ?? how;
    }),
    state: 'starting',
    vitals: NO_VITALS,
    samples: [],
    entities: undefined,
    version: 0,
    schemaFiles: undefined,
    isLive: false,
    isExpectedToEnd: false,
    isAtRisk: false,
    askedAt: undefined,
    kill(reason) {
      killedFor ??= reason;
      child.kill('SIGKILL');
    },
    release() {
      if (child.connected) child.disconnect();
    },
  };
  return self;
}
