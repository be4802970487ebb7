import type { Exchange } from '../http/exchange.ts';
import { readWholeBody } from '../http/read-body.ts';
import { SekishoError } from '../lib/errors.ts';
import { headerValue } from './fields.ts';

/** Deeper JSON is no configuration but an attack on recursive readers. */
const MAX_DEPTH = 128;

/**
 * The JSON body of a request; `undefined` when it has none. Any content type but form data is taken for JSON, because DGate's clients send none.
 * Throws `ADMIN_BODY_TOO_LARGE`, or `ADMIN_BAD_REQUEST` whose text begins with `malformed`.
 */
export async function readJsonBody(exchange: Exchange, maxBytes: number, malformed: string): Promise<unknown> {
  if (exchange.body === undefined) return undefined;
  if (/^multipart\//i.test(headerValue(exchange.headers, 'content-type') ?? '')) {
    throw new SekishoError('ADMIN_BAD_REQUEST', `${malformed}: send JSON, not form data`);
  }
  const bytes = await readWholeBody(exchange, maxBytes, () => tooLarge(maxBytes));
  if (bytes.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new SekishoError('ADMIN_BAD_REQUEST', `${malformed}: ${error instanceof SyntaxError ? error.message : 'it is not UTF-8'}`);
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw new SekishoError('ADMIN_BAD_REQUEST', `${malformed}: nested deeper than ${MAX_DEPTH} levels`);
  return value;
}

function tooLarge(maxBytes: number): SekishoError {
  return new SekishoError('ADMIN_BODY_TOO_LARGE', `The body is longer than ${maxBytes} bytes (admin.max_body_bytes).`);
}

function isDeeperThan(root: unknown, depth: number): boolean {
  let level: unknown[] = [root];
  for (let at = 0; at <= depth; at += 1) {
    const next: unknown[] = [];
    for (const value of level) if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) next.push(item);
    if (next.length === 0) return false;
    level = next;
  }
  return true;
}
