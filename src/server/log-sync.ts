import type { Logger } from 'pino';
import type { SekishoError } from '../lib/errors.ts';
import type { SyncEvent } from '../lib/sync-event.ts';

type Writers = {
  readonly [T in SyncEvent['type']]: (logger: Logger, event: Extract<SyncEvent, { readonly type: T }>) => void;
};

const told = (error: SekishoError | undefined): object => (error === undefined ? {} : { code: error.code, id: error.id, err: error.cause });

/** Lines about the event log, reports, watched keys and cron jobs. */
export const SYNC_WRITERS: Writers = {
  'sync.leader': (logger, { type, role, term, leads }) =>
    logger.info({ event: type, role, term }, leads ? `leads: ${role}` : `does not lead any more: ${role}`),
  'sync.delivered': (logger, { type, sink, events, durationMs, lagMs }) =>
    logger.debug({ event: type, sink, events, durationMs: Math.round(durationMs), lagMs }, `${events} changes delivered to ${sink}`),
  'sync.failed': (logger, { type, sink, error, pauseMs }) =>
    logger.error({ event: type, sink, pauseMs: Math.round(pauseMs), ...told(error) }, `changes wait for ${sink}: ${error.message}`),
  'sync.blocked': (logger, { type, sink, path, error, failures }) =>
    logger.error({ event: type, sink, path, failures, ...told(error) }, `changes of ${path} wait: ${error.message}`),
  'sync.conflict': (logger, { type, keys }) =>
    logger.warn({ event: type, keys: keys.slice(0, 10) }, `somebody else wrote ${keys.length} keys of resources`),
  'sync.source': (logger, event) => {
    const { type, source, state } = event;
    if (state === 'following') logger.info({ event: type, source, state }, `changes are delivered in the order of ${source}`);
    else if (state === 'ended') logger.debug({ event: type, source, state }, `${source} is not followed any more`);
    else if (state === 'gap')
      logger.error({ event: type, source, state }, `${source} may have missed changes: ${event.reason}; everything is delivered anew`);
    else {
      const fields = { event: type, source, state, pauseMs: Math.round(event.pauseMs), ...told(event.error) };
      logger.error(fields, `the event log is read instead of ${source}: ${event.error.message}`);
    }
  },
  'sync.backlog': () => {},
  'webhook.sent': (logger, { type, receiver, event: id, path, outcome, attempt, durationMs, reason }) => {
    const fields = { event: type, receiver, id, path, outcome, attempt, durationMs: Math.round(durationMs) };
    if (outcome === 'delivered') logger.debug(fields, `change of ${path} sent to ${receiver}`);
    else if (outcome === 'failed') logger.warn(fields, `change of ${path} is sent to ${receiver} again: ${reason ?? ''}`);
    else logger.error(fields, `change of ${path} for ${receiver} is a dead letter: ${reason ?? ''}`);
  },
  'webhook.waiting': () => {},
  'webhook.overflow': (logger, { type, receiver, what, count }) =>
    logger.error(
      { event: type, receiver, what, count },
      what === 'dead'
        ? `the oldest ${count} dead letters of ${receiver} are deleted: there were too many`
        : `the oldest ${count} changes for ${receiver} became dead letters: too many waited`,
    ),
  'sync.reported': (logger, { type, schema, report, path, outcome, reason, error }) => {
    const fields = { event: type, schema, report, path, outcome, ...told(error) };
    if (outcome === 'failed') logger.error(fields, `${report} of ${path} is not stored: ${error?.message ?? ''}`);
    else logger.debug(fields, `${report} of ${path} ${outcome}${reason === undefined ? '' : `: ${reason}`}`);
  },
  'sync.watched': (logger, { type, prefix, key, action, outcome, error }) => {
    const fields = { event: type, prefix, key, action, outcome, ...told(error) };
    if (outcome === 'failed') logger.error(fields, `${action} of ${key}: ${error?.message ?? ''}`);
    else logger.debug(fields, `${action} of ${key}: ${outcome}`);
  },
  'sync.compared': (logger, { type, resources, missing, different, orphaned, examples, durationMs }) => {
    const fields = { event: type, resources, missing, different, orphaned, examples, durationMs: Math.round(durationMs) };
    if (missing + different + orphaned === 0) logger.debug(fields, 'etcd holds what the database holds');
    else
      logger.error(
        fields,
        `etcd differs from the database: ${missing} missing, ${different} different, ${orphaned} too many; run sekisho resync`,
      );
  },
  'cron.run': (logger, { type, path, outcome, durationMs, error }) => {
    const fields = { event: type, path, outcome, durationMs: Math.round(durationMs), ...told(error) };
    if (outcome === 'failed') logger.error(fields, `${path} failed: ${error?.message ?? ''}`);
    else logger[outcome === 'ok' ? 'info' : 'warn'](fields, outcome === 'ok' ? `${path} ran` : `${path} is skipped: it still runs`);
  },
};
