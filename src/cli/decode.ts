import { parseDurationNs } from '../lib/duration.ts';
import type { FieldType } from './kinds.ts';
import type { WordValue } from './words.ts';

type Decoded = { readonly value: unknown } | { readonly problem: string };

const ok = (value: unknown): Decoded => ({ value });

/** Turns a written value into what the admin API wants for a field of `type`; a problem says what was found and what is allowed. */
export function decodeValue(type: FieldType, written: WordValue): Decoded {
  if (written.form === 'file') return fromFile(type, written.value);
  const { value } = written;
  const problem = (allowed: string): Decoded => ({ problem: `found ${JSON.stringify(value)}, allowed ${allowed}` });
  switch (type) {
    case 'string':
    case 'pem':
      return typeof value === 'string' ? ok(value) : problem('is text');
    case 'strings':
      if (typeof value === 'string') return ok(splitList(value));
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return ok(value);
      return problem('is a list: a,b or :=["a","b"]');
    case 'boolean':
      if (typeof value === 'boolean') return ok(value);
      if (typeof value === 'string' && /^(1|t|true)$/i.test(value)) return ok(true);
      if (typeof value === 'string' && /^(0|f|false)$/i.test(value)) return ok(false);
      return problem('are true and false');
    case 'integer':
      return toInteger(value) === undefined ? problem('is a whole number') : ok(toInteger(value));
    case 'duration': {
      const ns = parseDurationNs(value);
      return ns === undefined
        ? problem('is a time with its unit (50ms, 1m30s; units ns us ms s m h), or := and whole nanoseconds')
        : ok(ns);
    }
    case 'schema':
      return typeof value === 'string' ? fromJson(value) : ok(value);
    case 'json':
      return ok(value);
  }
}

function fromFile(type: FieldType, bytes: Buffer): Decoded {
  // Base64 of these two could never be valid, so a file means its text.
  if (type === 'pem') return ok(bytes.toString('utf8'));
  if (type === 'schema') return fromJson(bytes.toString('utf8'));
  return decodeValue(type, { form: 'text', value: bytes.toString('base64') });
}

function fromJson(text: string): Decoded {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch (error) {
    return { problem: `found no JSON (${(error as Error).message}), allowed is a JSON Schema: :={"type":"object"} or @=file.json` };
  }
}

function splitList(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim());
}

function toInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^[+-]?[0-9]+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
