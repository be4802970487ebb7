import { fieldValue } from '../http/header-rules.ts';
import { randomHex } from '../lib/id.ts';

/** `version-traceid-parentid-flags` of W3C Trace Context, level 1. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Makes sure that the fields going upstream carry one valid `traceparent`: the client's is passed on, a missing one is made,
 * and an invalid one is replaced (with its `tracestate`, as the specification asks). Gives the trace id.
 */
export function continueTrace(fields: string[]): string {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.length !== 11 || name.toLowerCase() !== 'traceparent') continue;
    const value = fields[i + 1] as string;
    if (TRACEPARENT.test(value)) return value.slice(3, 35);
    dropTrace(fields);
    break;
  }
  const traceId = randomHex(16);
  fields.push('traceparent', `00-${traceId}-${randomHex(8)}-00`);
  return traceId;
}

/** The trace id of a request that does not go upstream: the client's, or a new one. */
export function traceIdOf(fields: readonly string[]): string {
  const value = fieldValue(fields, 'traceparent');
  return value !== undefined && TRACEPARENT.test(value) ? value.slice(3, 35) : randomHex(16);
}

function dropTrace(fields: string[]): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    const name = (fields[i] as string).toLowerCase();
    if (name === 'traceparent' || name === 'tracestate') fields.splice(i, 2);
  }
}
