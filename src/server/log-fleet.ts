import type { Logger } from 'pino';
import type { FleetEvent } from '../lib/fleet-event.ts';

type Writers = {
  readonly [T in FleetEvent['type']]: (logger: Logger, event: Extract<FleetEvent, { readonly type: T }>) => void;
};

/** Lines about the nodes of a fleet. */
export const FLEET_WRITERS: Writers = {
  'fleet.registered': (logger, { type, id, isRegistered, error }) => {
    const fields = { event: type, id, ...(error && { code: error.code, errorId: error.id }) };
    if (isRegistered) logger.info(fields, `the other nodes see this one as ${id}`);
    else logger.warn(fields, `the other nodes do not see this one: ${error?.message ?? ''}`);
  },
};
