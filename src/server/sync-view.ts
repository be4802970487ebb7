import { ERRORS } from '../lib/error-table.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { DeliveryStatus } from '../sync/delivery.ts';
import type { SyncStatus } from '../sync/sync.ts';

/** State of the event log, of reports and watched keys, as people and programs read it: times as texts, errors with what to do. */
export function toSyncView({ delivery, ...others }: SyncStatus): object {
  return { ...(delivery && { delivery: toDeliveryView(delivery) }), ...others };
}

function toDeliveryView({
  isLeader,
  leader,
  backlog,
  delivered,
  lastDeliveryAt,
  lastError,
  blocked,
  source,
  drift,
}: DeliveryStatus): object {
  return {
    isLeader,
    ...(leader !== undefined && { leader }),
    ...(backlog && { backlog }),
    delivered,
    ...(lastDeliveryAt !== undefined && { lastDeliveryAt: toTime(lastDeliveryAt) }),
    ...(lastError && { lastError: toErrorView(lastError) }),
    blocked: blocked.map(({ path, error, failures, since, retryAt }) => ({
      path,
      error: toErrorView(error),
      failures,
      since: toTime(since),
      retryAt: toTime(retryAt),
    })),
    ...(source && { source: { ...source, lastError: source.lastError && toErrorView(source.lastError) } }),
    ...(drift && { drift }),
  };
}

/** Who may ask is an operator, for whom nothing of the cause is a secret. */
function toErrorView({ code, message, id }: SekishoError): object {
  return { code, message, help: ERRORS[code].help, ...(id !== undefined && { id }) };
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
