import type { Exchange, ResponseHead } from '../http/exchange.ts';
import { type SekishoError, toProblem } from '../lib/errors.ts';
import type { AdminAnswer } from './route.ts';

/** `{"count","data","status_code"}`. */
export function listAnswer(data: readonly unknown[], revision: number | undefined, status = 200): AdminAnswer {
  return { status, json: { count: data.length, data, status_code: status }, ...(revision !== undefined && { revision }) };
}

/** `{"data","status_code"}`. */
export function oneAnswer(data: unknown, revision?: number, status = 200): AdminAnswer {
  return { status, json: { data, status_code: status }, ...(revision !== undefined && { revision }) };
}

/** Adds `warnings` to the envelope, when there are any. */
export function withWarnings(answer: AdminAnswer, warnings: readonly string[]): AdminAnswer {
  return warnings.length === 0 ? answer : { ...answer, json: { ...(answer.json as object), warnings } };
}

/** JSON that is not in DGate's envelope. */
export function jsonAnswer(json: unknown, status = 200): AdminAnswer {
  return { status, json };
}

const FIXED_HEADERS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'] as const;

/** Sends `answer`, unless the client is gone. A stream that breaks off ends the connection: a cut file must not look like a whole one. */
export async function sendAnswer(exchange: Exchange, answer: AdminAnswer): Promise<void> {
  if (exchange.aborted || exchange.headSent) return;
  const headers: string[] = [];
  const body = answer.json === undefined ? answer.text : toJsonText(answer.json);
  if (body !== undefined || answer.stream !== undefined)
    headers.push('Content-Type', answer.contentType ?? (answer.json === undefined ? 'text/plain; charset=utf-8' : 'application/json'));
  headers.push(...FIXED_HEADERS, ...(answer.headers ?? []));
  if (answer.revision !== undefined) headers.push('ETag', `"${answer.revision}"`, 'X-Sekisho-Revision', String(answer.revision));
  if (answer.stream !== undefined) return await sendStream(exchange, { status: answer.status, headers }, answer.stream);
  exchange.respond({ status: answer.status, headers }, body);
}

async function sendStream(exchange: Exchange, head: ResponseHead, stream: AsyncIterable<Buffer>): Promise<void> {
  let isOpen = true;
  let hasBegun = false;
  let wake = (): void => {};
  exchange.onAbort(() => {
    isOpen = false;
    wake();
  });
  exchange.onDrain(() => wake());
  try {
    for await (const chunk of stream) {
      // Begun with the first bytes: what fails before them is answered with its reason.
      if (!hasBegun) exchange.begin(head);
      hasBegun = true;
      if (isOpen && !exchange.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
      if (!isOpen) return;
    }
    if (!hasBegun) exchange.begin(head);
    exchange.end();
  } catch (error) {
    if (!hasBegun) throw error;
    exchange.destroy();
  }
}

/** Sends `error` as problem+json (RFC 9457), unless the client is gone. */
export function sendProblem(exchange: Exchange, error: SekishoError, headers: readonly string[] = []): void {
  if (exchange.aborted || exchange.headSent) return;
  const body = `${toJsonText(toProblem(error))}\n`;
  exchange.respond({ status: error.status, headers: ['Content-Type', 'application/problem+json', ...FIXED_HEADERS, ...headers] }, body);
}

/** JSON in which `<`, `>` and `&` are escaped, as DGate's is: harmless even where a browser takes it for HTML. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
