/** A value of a template: JSON, text that needs no escaping, or a macro. */
export type Value = unknown;

export type TemplateValues = Readonly<Record<string, Value>>;

/** Text that `autoescape` leaves as it is. */
export class SafeText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Something that can be called in a template. */
export class Macro {
  /** `depth` is how many are being called already. */
  readonly call: (given: readonly Value[], named: ReadonlyMap<string, Value>, depth: number) => Value;
  constructor(call: Macro['call']) {
    this.call = call;
  }
}

export function isMap(value: Value): value is TemplateValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SafeText) && !(value instanceof Macro);
}

/** As Python and pongo2 see it: empty texts, lists and maps are false. */
export function isTrue(value: Value): boolean {
  if (value instanceof SafeText) return value.text !== '';
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

export function toText(value: Value): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof SafeText) return value.text;
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value instanceof Macro) return '';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'object' ? JSON.stringify(value) : '';
}

/** The number in a value; 0 when there is none. */
export function toNumber(value: Value): number {
  const number = typeof value === 'number' || typeof value === 'boolean' ? Number(value) : Number.parseFloat(toText(value));
  return Number.isFinite(number) ? number : 0;
}

/** The items of a list, the keys of a map, the characters of a text. */
export function toItems(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  if (isMap(value)) return Object.keys(value);
  return typeof value === 'string' || value instanceof SafeText ? Array.from(toText(value)) : [];
}

/** What a value has under a name or an index. Nothing but what the value itself has: nothing of JavaScript is in reach. */
export function lookup(value: Value, key: Value): Value {
  if (Array.isArray(value)) return value.at(Number(key)) as Value;
  if (typeof value === 'string' && typeof key === 'number') return value.at(key);
  const name = toText(key);
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [a, b].map((value) => (value instanceof SafeText ? value.text : (value ?? null)));
  if (typeof left === 'object' && left !== null && typeof right === 'object' && right !== null)
    return JSON.stringify(left) === JSON.stringify(right);
  return left === right;
}

/** Whether a text has another in it, a list an item, a map a key. */
export function contains(holder: Value, item: Value): boolean {
  if (typeof holder === 'string' || holder instanceof SafeText) return toText(holder).includes(toText(item));
  if (Array.isArray(holder)) return holder.some((one) => isEqual(one, item));
  return isMap(holder) && Object.hasOwn(holder, toText(item));
}

/** Below zero when `a` comes first: numbers by value, everything else as text. */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [toText(a), toText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
