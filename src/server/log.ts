import pino from 'pino';
import { type Event, subscribe } from '../lib/event.ts';
import { accessLine } from './access-line.ts';
import { writeError, writeEvent } from './log-events.ts';
import { createTextStream, type LineSink } from './log-text.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** `text`: one readable line per event; `json`: one object per line. */
  readonly format: 'json' | 'text';
  readonly color: boolean;
  /** Write one line per request of the proxy (level info). */
  readonly accessLog: boolean;
  /** Least level of what modules write to their console. */
  readonly consoleLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Fields of every line, e.g. `node_id`. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Other processes write to the same output: lines are written whole. */
  readonly sharesOutput?: boolean;
  /** File descriptor, 1 unless a test says otherwise. */
  readonly fd?: number;
}

export interface Log {
  /** Lines that were dropped because the reader of the log is too slow. */
  dropped(): number;
  /** Writes what is buffered, at once. For the last moments of the process. */
  flushSync(): void;
  /** Stops reading events and writes what is buffered. */
  close(): void;
}

/** Bytes that wait for a slow reader; what comes beyond is dropped and counted. */
const MAX_BUFFER_BYTES = 8 * 1024 * 1024;
/** What Linux writes to a pipe at once, whoever else writes (PIPE_BUF). */
const ATOMIC_BYTES = 4096;
/** Lines are gathered until so many bytes … */
const WRITE_BYTES = 8 * 1024;
/** … or so long, because one write call costs more than a hundred lines. */
const FLUSH_MS = 100;

/** DGate's (zap's) levels that pino lacks. */
const PINO_LEVEL: Readonly<Record<LogLevel, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  dpanic: 'fatal',
  panic: 'fatal',
  fatal: 'fatal',
  silent: 'silent',
};
const CONSOLE_RANK = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** Writes events (`lib/event.ts`) to the standard output from now on, until `close`. Never throws; a slow or gone reader loses lines, never holds the gateway up. */
export function createLog(options: LogOptions): Log {
  const destination = pino.destination({
    fd: options.fd ?? 1,
    sync: false,
    minLength: WRITE_BYTES,
    maxLength: MAX_BUFFER_BYTES,
    periodicFlush: FLUSH_MS,
    ...(options.sharesOutput === true && { maxWrite: ATOMIC_BYTES, minLength: ATOMIC_BYTES / 2 }),
  });
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  // The reader is gone (EPIPE): nobody is left to tell.
  destination.on('error', () => {});
  const unsubscribe = subscribe(
    createWriter(options, options.format === 'text' ? createTextStream(destination, options.color) : destination),
  );
  const flushSync = (): void => {
    try {
      destination.flushSync();
    } catch {
      // Not open yet, or the reader is gone.
    }
  };
  process.on('exit', flushSync);
  return {
    dropped: () => dropped,
    flushSync,
    close() {
      unsubscribe();
      flushSync();
      process.off('exit', flushSync);
      // Standard output stays open: the process owns it.
      if ((options.fd ?? 1) > 2) destination.end();
    },
  };
}

function createWriter(options: LogOptions, sink: LineSink): (event: Event) => void {
  const level = PINO_LEVEL[options.level];
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino({ level, base: options.base, timestamp: pino.stdTimeFunctions.isoTime, formatters }, sink);
  const writesAccess = options.accessLog && logger.isLevelEnabled('info');
  const base = baseText(options.base);
  return (event) => {
    if (event.type === 'request') {
      const { error } = event;
      // What has no cause is told by the access line alone.
      if (error?.cause !== undefined) writeError(logger, error, { requestId: event.id, route: event.route, namespace: event.namespace });
      if (writesAccess) sink.write(accessLine(event, base));
    } else if (event.type !== 'module.console' || CONSOLE_RANK[event.level] >= CONSOLE_RANK[options.consoleLevel]) {
      writeEvent(logger, event);
    }
  };
}

/** `,"node_id":"a"`: what is put into every line by hand. */
function baseText(base: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(base).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}
