import pino from 'pino';
import type { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { accessLine } from './access-line.ts';
import { createTextStream } from './log-text.ts';

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
/** Lines are gathered until so many bytes … */
const WRITE_BYTES = 8 * 1024;
/** … or so long, because one write call costs more than a hundred lines. */
const FLUSH_MS = 100;
const MAX_TEXT = 8192;

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
  });
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  // The reader is gone (EPIPE): nobody is left to tell.
  destination.on('error', () => {});
  const sink = options.format === 'text' ? createTextStream(destination, options.color) : destination;
  const logger = pino({ level: PINO_LEVEL[options.level], base: options.base, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (level) => ({ level }) } }, sink);
  const writeAccess = options.accessLog && logger.isLevelEnabled('info') ? (line: string): unknown => sink.write(line) : undefined;
  const base = baseText(options.base);

  const unsubscribe = subscribe((event) => {
    if (event.type === 'request') {
      if (event.error !== undefined && event.error.status >= 500) logError(logger, event.error, { requestId: event.id, route: event.route, namespace: event.namespace });
      writeAccess?.(accessLine(event, base));
    } else if (event.type !== 'module.console' || CONSOLE_RANK[event.level] >= CONSOLE_RANK[options.consoleLevel]) {
      logEvent(logger, event);
    }
  });
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

/** `,"node_id":"a"`: what is put into every line by hand. */
function baseText(base: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(base).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

type LoggedEvent = Exclude<Event, { type: 'request' }>;

/** One line per event; the switch is the whole list of what is logged at which level. */
function logEvent(logger: pino.Logger, event: LoggedEvent): void {
  switch (event.type) {
    case 'server.starting':
      return logger.info({ event: event.type, version: event.version, node: event.node, config: event.config }, 'starting');
    case 'server.listening':
      return logger.info({ event: event.type, listener: event.listener, address: event.address }, `${event.listener} listens on ${event.address}`);
    case 'server.ready':
      return logger.info({ event: event.type, revision: event.revision, durationMs: round(event.durationMs) }, 'ready');
    case 'server.draining':
      return logger.info({ event: event.type, reason: event.reason, inFlight: event.inFlight }, `stopping: ${event.reason}`);
    case 'server.stopped':
      return logger.info({ event: event.type, durationMs: round(event.durationMs) }, 'stopped');
    case 'connection.opened':
    case 'connection.closed':
      return;
    case 'snapshot.swapped':
      return logger.debug({ event: event.type, revision: event.revision, hash: event.hash, routes: event.routes, buildMs: round(event.buildMs) }, 'snapshot swapped');
    case 'entity.rejected':
      logger.error({ event: event.type, kind: event.kind, namespace: event.namespace, name: event.name, code: event.error.code }, `${event.kind} ${event.name} is kept out: ${event.error.message}`);
      return;
    case 'certificate.expiring':
      return logger.warn({ event: event.type, domain: event.domain, namespace: event.namespace, daysLeft: event.daysLeft }, `certificate of domain ${event.domain} expires in ${event.daysLeft} days`);
    case 'admin.request':
      return logAdmin(logger, event);
    case 'module.console':
      return logger[event.level]({ event: event.type, namespace: event.namespace, module: event.module, route: event.route, requestId: event.requestId }, event.text.slice(0, MAX_TEXT));
    case 'module.called':
      if (event.outcome === 'ok') return;
      return logger.debug({ event: event.type, namespace: event.namespace, module: event.module, route: event.route, phase: event.phase, outcome: event.outcome, durationMs: round(event.durationMs) }, `module ${event.module}: ${event.phase} ${event.outcome}`);
    case 'module.thread':
      return logThread(logger, event);
    case 'module.failed':
      return logger.error({ event: event.type, namespace: event.namespace, module: event.module, route: event.route, requestId: event.requestId, hook: event.hook }, event.text.slice(0, MAX_TEXT));
    case 'error':
      return logError(logger, event.error, { where: event.where });
    case 'warning':
      return logger.warn({ event: event.type }, event.text);
    default:
  }
}

function logAdmin(logger: pino.Logger, event: Extract<Event, { type: 'admin.request' }>): void {
  const { method, path, status, principal, remoteAddress } = event;
  const fields = { event: event.type, method, path, status, durationMs: round(event.durationMs), principal, remoteAddress, ...(event.error && { code: event.error.code, detail: event.error.message }) };
  // Reads are polled by probes and consoles: not news.
  const quiet = status < 400 && (method === 'GET' || method === 'HEAD');
  logger[quiet ? 'debug' : 'info'](fields, `admin ${method} ${path} ${status}`);
  if (event.error !== undefined && event.error.status >= 500) logError(logger, event.error, { where: `admin ${method} ${path}` });
}

function logThread(logger: pino.Logger, event: Extract<Event, { type: 'module.thread' }>): void {
  const level = event.state === 'started' || event.state === 'stopped' ? 'debug' : event.state === 'released' ? 'info' : 'warn';
  const fields = { event: event.type, namespace: event.namespace, module: event.module, state: event.state, ...(event.reason !== undefined && { reason: event.reason }) };
  logger[level](fields, `module ${event.module}: thread ${event.state}${event.reason === undefined ? '' : ` (${event.reason})`}`);
}

/** An error with its id and its causes. Clients are told the id alone. */
function logError(logger: pino.Logger, error: SekishoError, where: Readonly<Record<string, unknown>>): void {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 5; cause = cause instanceof Error ? cause.cause : undefined) {
    causes.push((cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)).slice(0, MAX_TEXT));
  }
  const fields = { event: 'error', ...where, code: error.code, ...(error.id !== undefined && { errorId: error.id }), ...(error.errors.length > 0 && { errors: error.errors }), ...(causes.length > 0 && { causes }) };
  logger.error(fields, error.message);
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
