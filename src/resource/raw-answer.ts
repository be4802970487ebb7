import { SekishoError } from '../lib/errors.ts';
import { RAW_RESPONSE, type RawResponse } from '../lib/raw-response.ts';
import type { Answer } from './types.ts';

/** Fields that frame a message: the sender's alone. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** RFC 9110 §5.5; what begins a line of its own would be another field. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The answer that a handler made with `rawResponse`; undefined when it made none. Throws EXTENSION_FAILED for one that cannot be sent. */
export function toRawAnswer(response: unknown): Answer | undefined {
  const raw =
    typeof response === 'object' && response !== null ? (response as { readonly [RAW_RESPONSE]?: RawResponse })[RAW_RESPONSE] : undefined;
  if (raw === undefined) return undefined;
  const { status, headers, body, isBytes } = raw;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw wrong(`status is ${String(status)}; expected one from 200 to 599`);
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [checkedName(name), checkedValue(name, one)]),
  );
  const hasType = fields.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'content-type');
  const type = isBytes ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  return {
    status,
    headers: hasType || body === '' ? fields : ['Content-Type', type, ...fields],
    rawBody: Buffer.from(body, isBytes ? 'base64' : 'utf8'),
  };
}

function checkedName(name: string): string {
  if (TOKEN.test(name) && !FRAMING.has(name.toLowerCase())) return name;
  throw wrong(`${JSON.stringify(name)} is no field that a handler may set`);
}

function checkedValue(name: string, value: unknown): string {
  if (typeof value === 'string' && VALUE.test(value)) return value;
  throw wrong(`the value of ${name} is ${JSON.stringify(value)}; expected a text of one line`);
}

function wrong(why: string): SekishoError {
  const cause = new Error(`rawResponse: ${why}`);
  return new SekishoError('EXTENSION_FAILED', 'The action has no answer; the log has the details under this id.', { cause });
}
