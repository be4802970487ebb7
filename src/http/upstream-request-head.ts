import { SekishoError } from '../lib/errors.ts';
import type { UpstreamRequest } from './upstream.ts';
import { isFieldValue, isToken, matchesName } from './upstream-fields.ts';

/** Methods whose requests are expected to have a body, so that its absence is said (RFC 9110 8.6). */
const BODY_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The head of an HTTP/1.1 request as latin1 text, with its framing. Everything is validated again here, last before the wire, because a CR LF that got
 * past an earlier check (a module, a rewrite) would split the request. Throws `INTERNAL`.
 */
export function toRequestHead(request: UpstreamRequest): string {
  const { method, target, headers, upgrade } = request;
  if (!isToken(method) || method === 'CONNECT') throw unsendable(`the method ${JSON.stringify(method)} cannot be sent`);
  if (!isTarget(target))
    throw unsendable(`the target ${JSON.stringify(target)} does not begin with "/" or holds characters outside of visible ASCII`);
  let head = `${method} ${target} HTTP/1.1\r\n`;
  let hosts = 0;
  let options = '';
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (!isToken(name)) throw unsendable(`${JSON.stringify(name)} is no field name`);
    if (!isFieldValue(value)) throw unsendable(`the value of ${name} holds a control character or one beyond latin1`);
    if (isFraming(name)) continue;
    if (name.length === 4 && matchesName(name, 0, 'host')) hosts += 1;
    if (name.length === 2 && matchesName(name, 0, 'te')) options = 'TE';
    head += `${name}: ${value}\r\n`;
  }
  if (hosts !== 1) throw unsendable(`it has ${hosts} Host fields instead of one`);
  if (upgrade !== undefined) {
    if (!isToken(upgrade)) throw unsendable(`${JSON.stringify(upgrade)} is no protocol name`);
    head += `Upgrade: ${upgrade}\r\n`;
    options = options === '' ? 'Upgrade' : `Upgrade, ${options}`;
  }
  if (options !== '') head += `Connection: ${options}\r\n`;
  return `${head}${toFraming(request)}\r\n`;
}

function toFraming(request: UpstreamRequest): string {
  const { body, contentLength, method } = request;
  if (body === undefined) return BODY_METHODS.has(method) ? 'Content-Length: 0\r\n' : '';
  if (Buffer.isBuffer(body)) return `Content-Length: ${body.length}\r\n`;
  if (contentLength === undefined) return 'Transfer-Encoding: chunked\r\n';
  if (!Number.isSafeInteger(contentLength) || contentLength < 0) throw unsendable(`its content length ${contentLength} is no length`);
  return `Content-Length: ${contentLength}\r\n`;
}

/** Fields that are the sender's own business: a copy of the client's would contradict the real framing. */
function isFraming(name: string): boolean {
  switch (name.length) {
    case 6:
      return matchesName(name, 0, 'expect');
    case 7:
      return matchesName(name, 0, 'upgrade') || matchesName(name, 0, 'trailer');
    case 10:
      return matchesName(name, 0, 'connection') || matchesName(name, 0, 'keep-alive');
    case 14:
      return matchesName(name, 0, 'content-length') || matchesName(name, 0, 'http2-settings');
    case 16:
      return matchesName(name, 0, 'proxy-connection');
    case 17:
      return matchesName(name, 0, 'transfer-encoding');
    default:
      return false;
  }
}

/** Origin-form in visible ASCII, or the asterisk of OPTIONS. */
export function isTarget(target: string): boolean {
  if (target.charCodeAt(0) !== 47) return target === '*';
  for (let i = 1; i < target.length; i += 1) {
    const code = target.charCodeAt(i);
    if (code < 33 || code > 126) return false;
  }
  return true;
}

/** The error for a request that must not get to the wire. */
export function unsendable(detail: string): SekishoError {
  return new SekishoError('INTERNAL', `The request for the upstream is not valid: ${detail}.`);
}
