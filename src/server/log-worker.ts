import type { Logger } from 'pino';
import type { WorkerEvent } from '../lib/worker-event.ts';

type Writers = {
  readonly [T in WorkerEvent['type']]: (logger: Logger, event: Extract<WorkerEvent, { readonly type: T }>) => void;
};

const LEVELS = {
  started: 'debug',
  serving: 'info',
  draining: 'debug',
  ended: 'debug',
  crashed: 'error',
  stalled: 'error',
  full: 'warn',
} as const;

/** Lines about the processes of the gateway. */
export const WORKER_WRITERS: Writers = {
  'worker.state': (logger, { type, worker, pid, state, reason, pauseMs }) =>
    logger[LEVELS[state]](
      { event: type, worker, pid, state, ...(pauseMs !== undefined && { pauseMs }) },
      `worker ${worker} ${state}${reason === undefined ? '' : `: ${reason}`}`,
    ),
  'server.reloaded': (logger, { type, changed, later, durationMs }) => {
    const note = later.length === 0 ? '' : `; ${later.join(', ')} count from the next start on (or sekisho upgrade)`;
    logger[later.length === 0 ? 'info' : 'warn']({ event: type, changed, durationMs: Math.round(durationMs) }, `reloaded${note}`);
  },
  'server.upgrade': (logger, { type, state, pid, version, error }) => {
    const fields = { event: type, state, pid, ...(version !== undefined && { version }) };
    if (state !== 'failed') return logger.info(fields, `upgrade ${state}`);
    logger.error({ ...fields, code: error?.code, errorId: error?.id }, `upgrade failed, this process serves on: ${error?.message ?? ''}`);
  },
};
