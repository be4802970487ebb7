import type { RawHeaders } from '../http/exchange.ts';
import { fieldValue } from './fields.ts';

/** Adds the fields of cross-origin requests (Fetch standard, CORS protocol). */
export interface Cors {
  /** Fields of an answer; also of refusals, or a page would not learn why. */
  fields(request: RawHeaders): readonly string[];
  /** Fields of a preflight's answer. */
  preflightFields(request: RawHeaders): readonly string[];
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const REQUEST_FIELDS = 'X-Auth-Token, Authorization, X-API-Key, Content-Type, If-Match, If-None-Match, Prefer, Idempotency-Key';
const ANSWER_FIELDS = 'X-Total-Count, ETag, Link, Location, Preference-Applied, Idempotency-Replayed, Retry-After';
/** Names of fields (RFC 9110 §5.6.2), as a preflight lists them. */
const FIELD_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;
const NONE: readonly string[] = [];

/**
 * Compiles `cors`: empty for none, `*`, one origin (sent to everybody, as Gohan does), or several joined by commas, of which the request's own is sent back.
 */
export function compileCors(setting: string): Cors {
  const origins = setting
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  if (origins.length === 0) return { fields: () => NONE, preflightFields: () => NONE };
  const more = ['Access-Control-Expose-Headers', ANSWER_FIELDS];
  const only = origins.length === 1 ? ['Access-Control-Allow-Origin', origins[0] as string, ...more] : undefined;
  const byOrigin = new Map(origins.map((origin) => [origin, ['Access-Control-Allow-Origin', origin, ...more, 'Vary', 'Origin']]));
  const other = ['Vary', 'Origin'];
  const fields = (request: RawHeaders): readonly string[] => only ?? byOrigin.get(fieldValue(request, 'origin') ?? '') ?? other;
  const preflightFields = (request: RawHeaders): readonly string[] => {
    const granted = fields(request);
    // A page of another origin learns nothing of what is allowed to others.
    if (granted === other) return granted;
    const asked = fieldValue(request, 'access-control-request-headers')?.trim() ?? '';
    return [
      ...granted,
      'Access-Control-Allow-Methods',
      METHODS,
      'Access-Control-Allow-Headers',
      // Extensions and tracing read fields that nobody here knows of: whom the setting trusts may send any.
      FIELD_NAMES.test(asked) ? `${REQUEST_FIELDS}, ${asked}` : REQUEST_FIELDS,
      'Access-Control-Max-Age',
      '600',
      'Vary',
      'Access-Control-Request-Headers',
    ];
  };
  return { fields, preflightFields };
}
