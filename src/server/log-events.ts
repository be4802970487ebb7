import { inspect } from 'node:util';
import type { Logger } from 'pino';
import { SekishoError } from '../lib/errors.ts';
import type { Event } from '../lib/event.ts';
import { FLEET_WRITERS } from './log-fleet.ts';
import { STORE_WRITERS } from './log-store.ts';
import { SYNC_WRITERS } from './log-sync.ts';
import { WORKER_WRITERS } from './log-worker.ts';

/** Longest text of a module or of a stack in one line. */
const MAX_TEXT = 8192;
const MAX_CAUSES = 5;

type LoggedEvent = Exclude<Event, { type: 'request' }>;
type Writers = { readonly [T in LoggedEvent['type']]: (logger: Logger, event: Extract<LoggedEvent, { readonly type: T }>) => void };

/** The whole list of what is logged, at which level and with which fields; requests excepted (access-line.ts). */
const WRITERS: Writers = {
  'server.starting': (logger, { type, version, node, config }) => logger.info({ event: type, version, node, config }, 'starting'),
  'server.listening': (logger, { type, listener, address }) =>
    logger.info({ event: type, listener, address }, `${listener} listens on ${address}`),
  'server.ready': (logger, { type, revision, durationMs }) =>
    logger.info({ event: type, revision, durationMs: round(durationMs) }, 'ready'),
  'server.hint': (logger, { type, text }) => logger.info({ event: type }, `try: ${text}`),
  'server.draining': (logger, { type, reason, inFlight }) => logger.info({ event: type, reason, inFlight }, `stopping: ${reason}`),
  'server.stopped': (logger, { type, durationMs }) => logger.info({ event: type, durationMs: round(durationMs) }, 'stopped'),
  'connection.opened': () => {},
  'connection.closed': () => {},
  // Counted only: a line for each would be a flood just when the machine is short of time.
  'connection.refused': () => {},
  'snapshot.swapped': (logger, { type, revision, hash, routes, buildMs }) =>
    logger.debug({ event: type, revision, hash, routes, buildMs: round(buildMs) }, 'snapshot swapped'),
  'entity.rejected': (logger, { type, kind, namespace, name, error }) =>
    logger.error({ event: type, kind, namespace, name, ...errorFields(error) }, `${kind} ${name} is kept out: ${error.message}`),
  'certificate.expiring': (logger, { type, domain, namespace, daysLeft }) =>
    logger.warn({ event: type, domain, namespace, daysLeft }, `the certificate of domain ${domain} expires in ${daysLeft} days`),
  'admin.request': writeAdmin,
  'module.console': (logger, { type, level, namespace, module, route, requestId, text }) =>
    logger[level]({ event: type, namespace, module, route, requestId }, text.slice(0, MAX_TEXT)),
  'module.called': (logger, { type, namespace, module, route, phase, outcome, durationMs }) => {
    if (outcome === 'ok') return;
    logger.debug(
      { event: type, namespace, module, route, phase, outcome, durationMs: round(durationMs) },
      `module ${module}: ${phase} ${outcome}`,
    );
  },
  'module.thread': (logger, { type, namespace, module, state, reason }) => {
    const level = state === 'started' || state === 'stopped' ? 'debug' : state === 'released' ? 'info' : 'warn';
    logger[level](
      { event: type, namespace, module, state, reason },
      `module ${module}: thread ${state}${reason === undefined ? '' : ` (${reason})`}`,
    );
  },
  'module.failed': (logger, { type, namespace, module, route, requestId, hook, text }) =>
    logger.error({ event: type, namespace, module, route, requestId, hook }, text.slice(0, MAX_TEXT)),
  'extension.console': (logger, { type, level, environment, module, requestId, text }) =>
    logger[level]({ event: type, environment, module, requestId }, text.slice(0, MAX_TEXT)),
  'extension.called': (logger, { type, environment, event, outcome, durationMs }) => {
    if (outcome === 'ok' || outcome === 'answered') return;
    logger.debug(
      { event: type, environment, name: event, outcome, durationMs: round(durationMs) },
      `extension ${environment}: ${event} ${outcome}`,
    );
  },
  'extension.thread': (logger, { type, kind, state, reason }) =>
    logger[state === 'killed' ? 'warn' : 'debug'](
      { event: type, kind, state, reason },
      `${kind} extension thread ${state}${reason === undefined ? '' : ` (${reason})`}`,
    ),
  'extension.quarantine': (logger, { type, environment, state, reason }) =>
    logger[state === 'released' ? 'info' : 'warn'](
      { event: type, environment, state, reason },
      `extensions of ${environment}: ${state}${reason === undefined ? '' : ` (${reason})`}`,
    ),
  'extension.failed': (logger, { type, environment, event, requestId, id, text }) =>
    logger.error({ event: type, environment, name: event, requestId, id }, text.slice(0, MAX_TEXT)),
  'database.waiting': (logger, { type, place, reason, attempt, pauseMs, leftMs }) =>
    logger.warn(
      { event: type, place, attempt, pauseMs: Math.round(pauseMs), leftMs: Math.round(leftMs) },
      `waiting for ${place}: ${reason}`,
    ),
  'database.reached': (logger, { type, place, attempts, waitedMs }) =>
    logger.info({ event: type, place, attempts, waitedMs: Math.round(waitedMs) }, `${place} answers`),
  'etcd.endpoint': (logger, { type, endpoint, answers, reason }) =>
    logger[answers ? 'info' : 'warn'](
      { event: type, endpoint },
      answers ? `etcd at ${endpoint} answers` : `etcd at ${endpoint} does not answer: ${reason}`,
    ),
  ...STORE_WRITERS,
  ...SYNC_WRITERS,
  ...FLEET_WRITERS,
  ...WORKER_WRITERS,
  error: (logger, { error, where }) => writeError(logger, error, { where }),
  warning: (logger, { type, text }) => logger.warn({ event: type }, text),
};

/** Writes the line of an event. */
export function writeEvent(logger: Logger, event: LoggedEvent): void {
  // The table has a writer of exactly this type under this key; the union of functions can't say so.
  (WRITERS[event.type] as (logger: Logger, event: LoggedEvent) => void)(logger, event);
}

/** Writes an error with its id and its causes; clients are told the id alone. `fields` say where it happened. */
export function writeError(logger: Logger, error: SekishoError, fields: Readonly<Record<string, unknown>>): void {
  logger.error({ event: 'error', ...fields, ...errorFields(error) }, error.message);
}

function writeAdmin(logger: Logger, event: Extract<LoggedEvent, { readonly type: 'admin.request' }>): void {
  const { type, method, path, status, durationMs, principal, remoteAddress, error } = event;
  const fields = {
    event: type,
    method,
    path,
    status,
    durationMs: round(durationMs),
    principal,
    remoteAddress,
    ...(error && { code: error.code, detail: error.message }),
  };
  // Reads are polled by probes and consoles: not news.
  const level = status < 400 && (method === 'GET' || method === 'HEAD') ? 'debug' : 'info';
  logger[level](fields, `admin ${method} ${path} ${status}`);
  if (error !== undefined && error.cause !== undefined) writeError(logger, error, { where: `admin ${method} ${path}` });
}

function errorFields(error: SekishoError): Readonly<Record<string, unknown>> {
  const causes = causesOf(error);
  return {
    code: error.code,
    ...(error.id !== undefined && { errorId: error.id }),
    ...(error.errors.length > 0 && { errors: error.errors }),
    ...(causes.length > 0 && { causes }),
  };
}

/** What led to the error, with stacks. Expected errors on the way tell by their text what happened; where they were made is nobody's concern. */
function causesOf(error: SekishoError): readonly string[] {
  const causes: string[] = [];
  for (
    let cause = error.cause;
    cause !== undefined && causes.length < MAX_CAUSES;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    if (!(cause instanceof SekishoError))
      causes.push((cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)).slice(0, MAX_TEXT));
    else if (!error.message.includes(cause.message) && causes.at(-1) !== cause.message) causes.push(cause.message.slice(0, MAX_TEXT));
  }
  return causes;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
