/** A JSON value as Go prints it with `%v`: `map[a:1 b:[x y]]`; null is `<nil>`. */
export function toText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (Array.isArray(value)) return `[${value.map(toText).join(' ')}]`;
  if (typeof value === 'object') {
    const entries = sortedEntries(value).map(([key, item]) => `${key}:${toText(item)}`);
    return `map[${entries.join(' ')}]`;
  }
  return typeof value === 'boolean' ? String(value) : '<unprintable>';
}

/** The entries of an object in the order of their keys' bytes, as Go ranges over maps. */
export function sortedEntries(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Go's name of a value's type, for messages. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** Exponents have two digits, and begin below 0.0001. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const isSmall = value !== 0 && Math.abs(value) < 1e-4;
  return padExponent(isSmall ? value.toExponential() : String(value));
}

/** `1e-7` as Go writes it: `1e-07`. */
export function padExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}
