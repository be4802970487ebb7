import type { ResourceType } from '../schema/types.ts';
import type { Resource } from '../sql/types.ts';

/** A row of a free statement as extensions get it: columns named `table__property`, as `db.columns` names them, become properties of the type. */
export function fromRecord(type: ResourceType | undefined, record: Resource): Resource {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      const prefix = type === undefined ? '' : `${type.table}__`;
      const property = type?.propertyByName.get(name.startsWith(prefix) ? name.slice(prefix.length) : name);
      if (property === undefined) return [name, toJsonValue(value)];
      return [property.name, toPropertyValue(property.type, toJsonValue(value))];
    }),
  );
}

/** What databases give as it was stored: booleans as numbers, JSON as text. */
function toPropertyValue(type: string, value: unknown): unknown {
  if (value === null) return null;
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 1 || value === '1';
    case 'object':
    case 'array':
      return typeof value === 'string' ? parseOr(value) : value;
    case 'integer':
    case 'number':
      return typeof value === 'string' && value.trim() !== '' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    default:
      return value;
  }
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Integers beyond 2^53 travel as texts. */
function toJsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value ?? null;
}
