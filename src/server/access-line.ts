import type { RequestEvent } from '../lib/event.ts';

/** Values of query parameters that are credentials by their name. */
const SECRET_PARAMETERS =
  /([?&](?:access_token|id_token|refresh_token|token|api_?key|apikey|key|secret|client_secret|password|passwd|pwd|sig|signature)=)[^&#]*/gi;

/**
 * The access line of a request as one line of JSON. `base` is put behind the first fields as it is.
 * Written by hand because it is built for every request: only what a client chooses is escaped, the rest is known to need none or is cached.
 */
export function accessLine(event: RequestEvent, base: string): string {
  const { error } = event;
  return `{"level":"info","time":"${isoTime()}"${base},"event":"request","requestId":${quote(event.id)},"traceId":${quote(event.traceId)},"method":${quote(
    event.method,
  )},"host":${quote(event.host)},"target":${quote(redactTarget(event.target))},"version":"${event.version}","remoteAddress":${quote(event.remoteAddress)},"namespace":${quote(
    event.namespace,
  )},"route":${quote(event.route)},"service":${quote(event.service)},"status":${event.status},"durationMs":${round(event.durationMs)},"upstreamMs":${round(
    event.upstreamMs,
  )},"attempts":${event.attempts},"bytes":${event.responseBytes}${error === undefined ? '' : errorFields(error.code, error.id)}}\n`;
}

/** The target with the values of parameters such as `token` or `api_key` as `***`. */
export function redactTarget(target: string): string {
  return target.includes('?') ? target.replace(SECRET_PARAMETERS, '$1***') : target;
}

function errorFields(code: string, id: string | undefined): string {
  return `,"code":"${code}"${id === undefined ? '' : `,"errorId":"${id}"`}`;
}

/** Most values need no escape: looking is cheaper than `JSON.stringify`. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

let lastMs = 0;
let lastText = '';

/** RFC 3339 in UTC; made once per millisecond at most. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastText = new Date(now).toISOString();
  }
  return lastText;
}
