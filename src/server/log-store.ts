import type { Logger } from 'pino';
import type { StoreEvent } from '../lib/store-event.ts';

type Writers = {
  readonly [T in StoreEvent['type']]: (logger: Logger, event: Extract<StoreEvent, { readonly type: T }>) => void;
};

const HEALTH = {
  ok: 'the store is reached',
  unreachable: 'the store is not reached, what is known of it is served on',
  stale: 'the store is not reached, the last good state of the disk is served',
} as const;

/** Lines about a store that several nodes share. */
export const STORE_WRITERS: Writers = {
  'store.health': (logger, { type, state, revision, reason }) =>
    logger[state === 'ok' ? 'info' : 'warn'](
      { event: type, state, revision },
      reason === undefined ? HEALTH[state] : `${HEALTH[state]}: ${reason}`,
    ),
  'store.reset': (logger, { type, from, to, reason }) =>
    logger.warn({ event: type, from, to }, `${reason}: revision ${to} is served instead of ${from}`),
  'store.damaged': (logger, { type, key, reason }) => logger.error({ event: type, key }, `${key} is passed over: ${reason}`),
  'store.snapshot': (logger, { type, outcome, path, revision, reason }) => {
    const fields = { event: type, outcome, path, revision };
    if (outcome === 'written') logger.debug(fields, `the last good state is in ${path}`);
    else if (outcome === 'loaded') logger.info(fields, `the last good state was read from ${path}`);
    else if (outcome === 'ignored') logger.error(fields, `the last good state in ${path} is ignored: ${reason ?? ''}`);
    else logger.error(fields, `the last good state can't be written to ${path}: ${reason ?? ''}`);
  },
};
