import type { Exchange } from '../http/exchange.ts';
import { readWholeBody } from '../http/read-body.ts';
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
  const bytes = await readWholeBody(exchange, maxBytes, () => tooLarge(maxBytes));
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

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed((error as Error).message);
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
  if (SUSPECT.test(text) && !isStorable(value))
    throw malformed('a text has a NUL or half a surrogate pair, which not every database keeps');
  return value;
}

/** Escapes of NUL and surrogates; most bodies have none. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i;

/** Whether every text in a value comes back from a database as it was. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
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

function tooLarge(maxBytes: number): SekishoError {
  return new SekishoError('BODY_TOO_LARGE', `The body is longer than ${maxBytes} bytes (api.max_body_bytes).`);
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, depth - 1)) return true;
  return false;
}
