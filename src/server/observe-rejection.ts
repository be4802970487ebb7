import type { Rejection } from '../http/front-state.ts';
import { observe } from '../lib/event.ts';
import { createRequestId } from '../lib/id.ts';

/** Tells of a request that the front refused before the proxy saw it, as of any other: it has a status and an error, and no route. */
export function observeRejection({ error, method, target, host, version, remoteAddress }: Rejection): void {
  observe({
    type: 'request',
    id: createRequestId(),
    traceId: '',
    method,
    host,
    target,
    version,
    remoteAddress,
    namespace: '',
    route: '',
    pattern: '',
    service: '',
    status: error.status,
    durationMs: 0,
    upstreamMs: 0,
    attempts: 0,
    responseBytes: 0,
    error,
  });
}
