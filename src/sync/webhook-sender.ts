import { createHmac } from 'node:crypto';
import type { WebhookEvent } from './webhook-queue.ts';

export interface WebhookSenderOptions {
  readonly url: string;
  readonly secret: string;
  readonly timeoutMs: number;
}

/** What became of a request. */
export type WebhookOutcome =
  | { readonly kind: 'delivered' }
  /** The receiver will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number };

export type SendWebhook = (event: WebhookEvent, schema: string, signal: AbortSignal) => Promise<WebhookOutcome>;

/** Nobody is waited for longer than this. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Request Timeout and Too Many Requests: not the fault of the change. */
const RETRIED = new Set([408, 429]);

/** Sends changes to one URL: signed, one try each. Redirections are not followed: the signature is for this receiver. Never rejects. */
export function createWebhookSender({ url, secret, timeoutMs }: WebhookSenderOptions): SendWebhook {
  return async (event, schema, signal) => {
    const body = toBody(event, schema);
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'sekisho',
          'x-sekisho-event': String(event.id),
          'x-sekisho-signature': signatureOf(secret, body, Math.floor(Date.now() / 1000)),
        },
        signal: AbortSignal.any([signal, timeout]),
      });
      await response.body?.cancel();
      return toOutcome(response.status, response.headers.get('retry-after'), Date.now());
    } catch (error) {
      return { kind: 'failed', reason: timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error) };
    }
  };
}

/** `t=<Unix seconds>,v1=<hex>`: HMAC-SHA-256 of the seconds, a dot and the body. */
export function signatureOf(secret: string, body: string, timestampS: number): string {
  return `t=${timestampS},v1=${createHmac('sha256', secret).update(`${timestampS}.${body}`).digest('hex')}`;
}

/** What an answer means for the change that it answers. */
export function toOutcome(status: number, retryAfter: string | null, nowMs: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const reason = `the answer was ${status}`;
  if (status < 500 && !RETRIED.has(status)) return { kind: 'refused', reason };
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  return { kind: 'failed', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function parseRetryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
}

/** The body in the log is JSON already. */
function toBody({ id, type, path, version, timestamp, body }: WebhookEvent, schema: string): string {
  const head = JSON.stringify({ id, type, schema, path, version, timestamp: new Date(timestamp * 1000).toISOString() });
  return `${head.slice(0, -1)},"resource":${body === '' ? 'null' : body}}`;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}
