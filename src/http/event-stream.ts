import type { RawHeaders } from './exchange.ts';

/** True for an answer of server-sent events: its client comes again by itself when it ends (HTML 9.2). */
export function isEventStream(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'content-type') return headers[i + 1]?.toLowerCase().startsWith('text/event-stream') === true;
  }
  return false;
}
