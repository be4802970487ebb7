import { randomUUID } from 'node:crypto';
import type { EventOutcome, Fields } from '../extension/types.ts';
import type { Identity } from '../lib/identity.ts';
import type { Database, Session } from '../sql/types.ts';
import { typeFields } from './event-fields.ts';
import type { Gate } from './gate.ts';
import type { HostCall } from './host-call.ts';
import { answerHostCall } from './host-calls.ts';
import { openLife } from './life.ts';
import type { Models } from './models.ts';

export interface RunEventOptions {
  /** The transaction that handlers see as theirs. */
  readonly session?: Session;
  readonly signal?: AbortSignal;
  /** In logs and as `context.trace_id`; a new one when absent. */
  readonly requestId?: string;
}

/**
 * Runs an event that no request causes in an environment: a schema's id, `cron://name`, `sync://prefix`. Resolves at once, to nothing, when no handler waits for
 * it; rejects as `ExtensionCall.run` does.
 */
export type RunEvent = (environment: string, event: string, fields: Fields, options?: RunEventOptions) => Promise<EventOutcome>;

/** Nobody asks: the gateway does it by itself, with the rights of its administrator. */
const GATEWAY: Identity = {
  roles: ['admin'],
  tenantId: '',
  tenantName: '',
  domainId: '',
  domainName: '',
  scope: 'admin',
  principal: 'sekisho',
};

interface EventRunnerOptions {
  readonly database: Database;
  /** The set that is served at the time. */
  readonly models: () => Models;
  readonly hostCall: HostCall;
  readonly gate: Gate;
}

/** Makes the runner of such events. */
export function createEventRunner(options: EventRunnerOptions): RunEvent {
  const { database, hostCall, gate } = options;
  return async (environment, event, fields, { session, signal, requestId = randomUUID() } = {}) => {
    const models = options.models();
    const { extensions } = models;
    if (extensions?.handles(environment, event) !== true) return { hasNewResponse: false };
    const life = openLife({
      models,
      database,
      identity: GATEWAY,
      extensions,
      environment,
      requestId,
      signal,
      gate,
      call: (own, name, args, caller) => answerHostCall(own, hostCall, name, args, caller),
    });
    const type = models.schemas.resources.get(environment);
    const events = life.eventsOf(environment, 0, type === undefined ? {} : typeFields(type));
    try {
      if (session === undefined) return await events.run(event, fields);
      return await events.within(session, false, () => events.run(event, fields));
    } finally {
      await life.end();
    }
  };
}
