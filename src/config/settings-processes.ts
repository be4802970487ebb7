import type { SettingKeys } from './setting.ts';

/** The processes of the gateway and their ends. */
export const PROCESSES = {
  workers: {
    type: 'int',
    words: ['auto'],
    default: 'auto',
    min: 0,
    max: 1024,
    origin: 'sekisho',
    doc: 'Processes that serve requests, beside the one that supervises them. `auto`: one for each core that this process may use, but 0 for `schemas` on SQLite. 0: one process does everything.',
  },
  worker_stall_timeout: {
    type: 'duration',
    default: '10s',
    min: '100ms',
    origin: 'sekisho',
    doc: 'A worker that does not answer its supervisor for so long is killed and replaced; one that starts has at least a minute.',
  },
  worker_memory_limit: {
    type: 'bytes',
    default: 2_147_483_648,
    min: 67_108_864,
    origin: 'sekisho',
    doc: 'A worker that holds more memory is replaced, and finishes the requests that it has.',
  },
  worker_idle_grace: {
    type: 'duration',
    default: '2s',
    origin: 'sekisho',
    doc: 'How long a worker that is replaced keeps connections open that wait for a request; within `shutdown_grace`.',
  },
  upgrade_timeout: {
    type: 'duration',
    default: '60s',
    min: '1s',
    origin: 'sekisho',
    doc: 'How long a new process may take to serve after `sekisho upgrade`; then the old one serves on.',
  },
  pid_file: { type: 'path', use: 'create', origin: 'sekisho', doc: 'File that holds the process id while the gateway serves.' },
  shutdown_grace: {
    type: 'duration',
    default: '10s',
    origin: 'sekisho',
    doc: 'How long requests in flight may take to finish after SIGTERM.',
  },
} as const satisfies SettingKeys;
