/**
 * One request (or several on one connection) of a client, byte for byte, with its exact outcome. The gateway under test has one route
 * `/*` for the nine standard methods that keeps the client's Host and forwards to a recording upstream, which answers 200 `ok`.
 */
export interface RequestCase {
  readonly name: string;
  /** The rule: a section of RFC 9110, 9112 or 3986, or the incident that it is about. */
  readonly rule: string;
  /** Latin1 text; several parts are several writes. */
  readonly bytes: string | readonly string[];
  /** Status codes in the order in which the client gets them, interim ones included. */
  readonly answers: readonly number[];
  /** Afterwards the connection serves another request (true) or is closed (false). */
  readonly open: boolean;
  /** The complete requests that reached the upstream; none by default. */
  readonly upstream?: readonly Forwarded[];
}

/** A request as the upstream must have received it. */
export interface Forwarded {
  /** Method and target. */
  readonly line: string;
  /** `a` unless said otherwise. */
  readonly host?: string;
  /** Empty unless said otherwise. */
  readonly body?: string;
  /** Fields that must be there, exactly so often, as `Name: value`. */
  readonly has?: readonly string[];
  /** Names (lower case) that must not be there. */
  readonly lacks?: readonly string[];
}

export const HOST = 'Host: a\r\n';
export const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** Head of a GET with these field lines. */
export function get(...fields: readonly string[]): string {
  return `GET / HTTP/1.1\r\n${HOST}${fields.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Head of a POST with these field lines. */
export function post(...fields: readonly string[]): string {
  return get(...fields).replace('GET', 'POST');
}

/** A request that is served. */
export function served(
  name: string,
  rule: string,
  bytes: string | readonly string[],
  forwarded: Forwarded,
  more: Partial<RequestCase> = {},
): RequestCase {
  return { name, rule, bytes, answers: [200], open: true, upstream: [forwarded], ...more };
}

/** A request that ends the connection with an error and reaches nobody. */
export function refused(name: string, rule: string, bytes: string | readonly string[], status = 400): RequestCase {
  return { name, rule, bytes, answers: [status], open: false };
}
