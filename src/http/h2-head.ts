import type { RawHeaders, ResponseHead } from './exchange.ts';
import { type GuardedHead, guardHead, type HeadLimits, RejectedHead } from './head-guard.ts';
import { isName } from './header-rules.ts';
import { dateValue, declaredLength, isBodiless, responseFieldKind } from './response-head-writer.ts';
import { isFieldValue, isToken } from './upstream-fields.ts';

const CONNECTION_SPECIFIC = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'] as const;
const PSEUDO = [':method', ':scheme', ':path', ':authority'] as const;

/** A judged HTTP/2 request head with its method, which is a field there. */
export interface H2Head {
  readonly method: string;
  readonly rawTarget: string;
  readonly judged: GuardedHead | RejectedHead;
}

/**
 * Turns an HTTP/2 field list into the form of HTTP/1 and judges it by the same guard (RFC 9113 8.2, 8.3): pseudo-fields once, first and
 * complete; no connection-specific field; TE only `trailers`; Cookie fields joined; Host, where there is one, equal to `:authority`.
 */
export function guardH2Head(raw: RawHeaders, limits: HeadLimits): H2Head {
  const pseudo: Record<string, string | undefined> = {};
  const fields: string[] = [];
  const broken = splitFields(raw, pseudo, fields);
  const method = pseudo[':method'] ?? '';
  const rawTarget = pseudo[':path'] ?? '';
  const reject = (detail: string): H2Head => ({ method, rawTarget, judged: new RejectedHead('REQUEST_INVALID', detail) });
  if (broken !== undefined) return reject(broken);
  if (!isToken(method)) return reject('The pseudo-header :method is missing or no token.');
  if (method === 'CONNECT') return { method, rawTarget, judged: new RejectedHead('METHOD_NOT_IMPLEMENTED', 'CONNECT is not served.') };
  if (pseudo[':path'] === undefined) return reject('The pseudo-header :path is missing.');
  if (pseudo[':scheme'] !== 'http' && pseudo[':scheme'] !== 'https') return reject('The pseudo-header :scheme must be http or https.');
  if (pseudo[':authority'] === undefined && !fields.includes('host')) return reject('There is neither :authority nor a Host field.');
  const judged = guardHead(method, rawTarget, '2.0', fields, limits);
  return { method, rawTarget, judged };
}

/** Fills `pseudo` and `fields` (Host first); gives the rule that is broken, if one is. */
function splitFields(raw: RawHeaders, pseudo: Record<string, string | undefined>, fields: string[]): string | undefined {
  let cookieAt = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (!isFieldValue(value) || value !== value.trim()) return `The field ${JSON.stringify(name)} has a value that HTTP does not allow.`;
    if (name.startsWith(':')) {
      if (!(PSEUDO as readonly string[]).includes(name)) return `${JSON.stringify(name)} is no pseudo-header of a request.`;
      if (fields.length > 0 && fields[0] !== 'host') return 'A pseudo-header comes behind a field.';
      if (pseudo[name] !== undefined) return `The pseudo-header ${name} comes twice.`;
      pseudo[name] = value;
      if (name === ':authority') fields.unshift('host', value);
      continue;
    }
    const problem = addField(fields, name, value, pseudo[':authority']);
    if (problem !== undefined) return problem;
    if (name !== 'cookie') continue;
    // RFC 9113 8.2.3: crumbs of one field.
    if (cookieAt < 0) cookieAt = fields.length - 1;
    else {
      fields.length -= 2;
      fields[cookieAt] += `; ${value}`;
    }
  }
  return undefined;
}

function addField(fields: string[], name: string, value: string, authority: string | undefined): string | undefined {
  if (!isToken(name) || name !== name.toLowerCase()) return `The field name ${JSON.stringify(name)} is not lower-case.`;
  if ((CONNECTION_SPECIFIC as readonly string[]).includes(name)) return `The field ${name} is not part of HTTP/2.`;
  if (name === 'te' && value.toLowerCase() !== 'trailers') return 'TE may only be "trailers" in HTTP/2.';
  if (name === 'host' && authority !== undefined) {
    return authority.toLowerCase() === value.toLowerCase()
      ? undefined
      : `:authority is ${JSON.stringify(authority)}, but Host is ${JSON.stringify(value)}.`;
  }
  fields.push(name, value);
  return undefined;
}

/**
 * The flat field list of an answer for HTTP/2: `:status` first, names in lower case, nothing that belongs to an HTTP/1 connection, Date.
 * `bodyLength` is that of a whole body, -1 for a streamed one. Undefined when a field cannot be sent.
 */
export function toH2Fields(head: ResponseHead, bodyLength: number, isHead: boolean): string[] | undefined {
  const fields = [':status', String(head.status)];
  let hasDate = false;
  let declared: string | undefined;
  for (let i = 0; i < head.headers.length; i += 2) {
    const name = (head.headers[i] as string).toLowerCase();
    const value = head.headers[i + 1] as string;
    const kind = responseFieldKind(name);
    if (kind === 'dropped') continue;
    if (kind === 'length') {
      declared = value;
      continue;
    }
    if (!isToken(name) || !isFieldValue(value)) return undefined;
    if (kind === 'date') hasDate = true;
    fields.push(name, value.trim());
  }
  if (!hasDate) fields.push('date', dateValue());
  const length = contentLengthOf(head.status, declared, bodyLength, isHead);
  if (length >= 0) fields.push('content-length', String(length));
  return fields;
}

function contentLengthOf(status: number, declared: string | undefined, bodyLength: number, isHead: boolean): number {
  if (status === 204 || status < 200) return -1;
  if (isBodiless(status, isHead)) return declaredLength(declared) ?? (isHead ? bodyLength : -1);
  return bodyLength >= 0 ? bodyLength : (declaredLength(declared) ?? -1);
}

/** Trailers (or 1xx fields) as node:http2 takes them; fields that may not be there are left out. */
export function toH2Trailers(trailers: RawHeaders): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (let i = 0; i < trailers.length; i += 2) {
    const name = (trailers[i] as string).toLowerCase();
    const value = trailers[i + 1] as string;
    if (!isToken(name) || !isFieldValue(value) || isName(name, 'content-length') || responseFieldKind(name) === 'dropped') continue;
    (fields[name] ??= []).push(value);
  }
  return fields;
}
