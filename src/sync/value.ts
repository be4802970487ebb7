import { SekishoError } from '../lib/errors.ts';
import type { EventRow } from '../sql/types.ts';

/**
 * The value of a changed resource in etcd: `{"body": "<JSON text>", "version": N}`, or with `sync_plain` the content alone, a text without quotes.
 * With `sync_property` the content is that property. Undefined for an empty one, which has no key. SYNC_VALUE when there is no such property.
 */
export function toValue({ body, version, syncPlain, syncProperty, path }: Omit<EventRow, 'type'>): string | undefined {
  const content = syncProperty === '' ? body : propertyOf(body, syncProperty, path);
  if (!syncPlain) return JSON.stringify({ body: content, version });
  const text = content.startsWith('"') ? (JSON.parse(content) as string) : content;
  return text === '' ? undefined : text;
}

/** The content of a value of this kind, and undefined for one that is not written by us, as far as that can be seen. */
export function bodyOf(value: string): string | undefined {
  const { body, version } = toFields(parse(value));
  return typeof body === 'string' && typeof version === 'number' ? body : undefined;
}

/** The text as JSON, or as it is. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The fields of an object; none of anything else. */
export function toFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function propertyOf(body: string, property: string, path: string): string {
  const resource = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const value = resource[property];
  if (value !== undefined) return JSON.stringify(value);
  throw new SekishoError(
    'SYNC_VALUE',
    `${path} has no property ${JSON.stringify(property)}, which sync_property of its schema names; it has ${Object.keys(resource).join(', ')}`,
  );
}
