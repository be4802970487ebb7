const SPECIAL = /[<>&\u2028\u2029]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};
const PLAIN_DEPTH = 8;
const PLAIN_NODES = 2000;

/**
 * JSON as DGate writes it: `undefined` is null, a Date is RFC 3339 without empty milliseconds, `<`, `>` and `&` are escaped
 * (harmless inside HTML). A BigInt becomes a string, as all numbers beyond 2^53.
 */
export function toJson(value: unknown): string {
  nodes = 0;
  const text = isPlain(value, 0) ? JSON.stringify(value) : (JSON.stringify(value, replacer) ?? 'null');
  return text.replace(SPECIAL, (char) => ESCAPES[char] ?? char);
}

let nodes = 0;

/** True when JSON.stringify without a replacer gives the right text, which is several times faster. */
function isPlain(value: unknown, depth: number): boolean {
  nodes += 1;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return true;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > PLAIN_DEPTH || nodes > PLAIN_NODES) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key of Object.keys(value)) {
    if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function replacer(this: unknown, key: string, value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return value.toString();
  const original = (this as Record<string, unknown>)[key];
  return original instanceof Date && typeof value === 'string' ? value.replace(/\.?0+Z$/, 'Z') : value;
}
