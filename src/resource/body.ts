import type { Readable } from 'node:stream';
import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import { fieldValue } from './fields.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** How a body means to change a resource: Gohan's merge, RFC 7396, or RFC 6902. */
export type BodyKind = 'json' | 'merge-patch' | 'json-patch';

export interface Body {
  readonly kind: BodyKind;
  /** As it came, for fingerprints. */
  readonly text: string;
  readonly value: unknown;
}

/** Deeper JSON is no resource but an attack on recursive readers. */
const MAX_DEPTH = 64;

/** Reads a JSON body of at most `maxBytes`. Throws RESOURCE_MALFORMED or BODY_TOO_LARGE. */
export async function readBody(exchange: Exchange, maxBytes: number): Promise<Body> {
  const kind = bodyKind(fieldValue(exchange.headers, 'content-type'));
  const bytes = exchange.body === undefined ? Buffer.alloc(0) : await readBytes(exchange, exchange.body, maxBytes);
  if (bytes.length === 0) throw malformed('the body is empty');
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
  return { kind, text, value: parseJson(text) };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function bodyKind(contentType: string | undefined): BodyKind {
  const media = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (media === 'application/merge-patch+json') return 'merge-patch';
  if (media === 'application/json-patch+json') return 'json-patch';
  if (media?.startsWith('multipart/')) throw malformed('send JSON, not form data');
  return 'json';
}

/** Numbers that a double cannot hold are refused: storing another number than was sent would be worse. */
function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = MAYBE_TOO_LONG.test(text) ? JSON.parse(text, refuseInexact) : JSON.parse(text);
  } catch (error) {
    if (error instanceof SekishoError) throw error;
    throw malformed((error as Error).message);
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
  return value;
}

const MAYBE_TOO_LONG = /\d{16}/;

function refuseInexact(key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  throw malformed(`the number ${source} of ${JSON.stringify(key)} is beyond 2^53; send it as a text`);
}

/**
 * The resource in a body: an object, or one wrapped under the singular of its type.
 * Throws RESOURCE_MALFORMED for anything else.
 */
export function unwrapResource(value: unknown, singular: string): JsonObject {
  if (!isObject(value)) throw malformed('the body is no JSON object');
  const inner = value[singular];
  return isObject(inner) ? inner : value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(reason: string): SekishoError {
  return new SekishoError('RESOURCE_MALFORMED', `Failed to parse data: ${reason}`);
}

async function readBytes(exchange: Exchange, body: Readable, maxBytes: number): Promise<Buffer> {
  if ((exchange.contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes);
  // What was cut off would else be waited for.
  exchange.onAbort(() => body.destroy());
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!exchange.aborted) throw error;
  }
  // A destroyed body may end without an error.
  if (exchange.aborted) throw new SekishoError('CLIENT_CLOSED', 'The client went away before its body was complete.');
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): SekishoError {
  return new SekishoError('BODY_TOO_LARGE', `The body is longer than ${maxBytes} bytes (proxy.limits.max_body_buffer_bytes).`);
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, depth - 1)) return true;
  return false;
}
