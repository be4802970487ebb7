import type { OutgoingHttpHeaders } from 'node:http2';
import type { RawHeaders } from './exchange.ts';
import type { UpstreamRequest } from './upstream.ts';
import { CONNECTION_FIELDS, isFieldValue, isToken } from './upstream-fields.ts';
import { isTarget, unsendable } from './upstream-request-head.ts';

/** Fields of one HTTP/1 connection, which HTTP/2 forbids (RFC 9113 8.2.2), and those that are made anew. */
const DROPPED: ReadonlySet<string> = new Set([...CONNECTION_FIELDS, 'expect', 'host', 'http2-settings']);

/** The fields of an HTTP/2 answer, split as `UpstreamHandler.onHead` wants them. */
export interface Http2Fields {
  readonly headers: RawHeaders;
  readonly contentLength: number | undefined;
}

/** The field section of a request for HTTP/2: pseudo-fields, lower-case names, several values as arrays. Throws `INTERNAL` for what may not be sent. */
export function toHttp2Headers(request: UpstreamRequest, scheme: 'http' | 'https'): OutgoingHttpHeaders {
  const { method, target, headers, body } = request;
  if (!isToken(method) || method === 'CONNECT') throw unsendable(`the method ${JSON.stringify(method)} cannot be sent`);
  if (!isTarget(target))
    throw unsendable(`the target ${JSON.stringify(target)} does not begin with "/" or holds characters outside of visible ASCII`);
  const fields = Object.create(null) as OutgoingHttpHeaders;
  Object.assign(fields, { ':method': method, ':scheme': scheme, ':authority': '', ':path': target });
  let hosts = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase();
    const value = headers[i + 1] ?? '';
    if (!isToken(name)) throw unsendable(`${JSON.stringify(name)} is no field name`);
    if (!isFieldValue(value)) throw unsendable(`the value of ${name} holds a control character or one beyond latin1`);
    if (name === 'host') {
      hosts += 1;
      fields[':authority'] = value;
    } else if (name === 'te') {
      if (value.toLowerCase().includes('trailers')) fields['te'] = 'trailers';
    } else if (!DROPPED.has(name)) addField(fields, name, value);
  }
  if (hosts !== 1) throw unsendable(`it has ${hosts} Host fields instead of one`);
  const length = Buffer.isBuffer(body) ? body.length : request.contentLength;
  if (body !== undefined && length !== undefined) fields['content-length'] = String(length);
  return fields;
}

function addField(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const known = fields[name];
  if (known === undefined) fields[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else fields[name] = [String(known), value];
}

/** The fields of an answer or trailer section without pseudo-fields, hop-by-hop ones (which a lax peer may send) and Content-Length. */
export function fromHttp2Headers(raw: readonly string[]): Http2Fields {
  const headers: string[] = [];
  let contentLength: number | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (name === 'content-length') contentLength = /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
    else if (!name.startsWith(':') && !DROPPED.has(name)) headers.push(name, value);
  }
  return { headers, contentLength };
}
