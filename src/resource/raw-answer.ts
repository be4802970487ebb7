import { CONNECTION_FIELDS, isFieldValue, isToken } from '../http/upstream-fields.ts';
import type { SekishoError } from '../lib/errors.ts';
import { RAW_RESPONSE, type RawResponse } from '../lib/raw-response.ts';
import { noAnswer } from './no-answer.ts';
import type { Answer } from './types.ts';

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
  if (isToken(name) && !CONNECTION_FIELDS.has(name.toLowerCase())) return name;
  throw wrong(`${JSON.stringify(name)} is no field that a handler may set`);
}

function checkedValue(name: string, value: unknown): string {
  if (typeof value === 'string' && isFieldValue(value)) return value;
  throw wrong(`the value of ${name} is ${JSON.stringify(value)}; expected a text of one line`);
}

function wrong(why: string): SekishoError {
  return noAnswer(`rawResponse: ${why}`);
}
