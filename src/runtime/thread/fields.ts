import { joinFields, splitFields } from '../wire.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the characters that would end or break a field
const FORBIDDEN = /[\0\r\n]/;
const BEYOND_LATIN1 = /[^\0-\xff]/;

/**
 * Header fields as modules see them: names without case, several values per name. Parsed from the wire form on first use;
 * `changed` tells whether they must travel back.
 */
export class Headers {
  #joined: string | undefined;
  #fields: string[] | undefined;
  #changed = false;

  constructor(joined = '') {
    this.#joined = joined;
  }

  static isChanged(headers: Headers): boolean {
    return headers.#changed;
  }

  static join(headers: Headers): string {
    return headers.#fields === undefined ? (headers.#joined ?? '') : joinFields(headers.#fields);
  }

  /** The first value, or `""`. */
  get(name: string): string {
    const fields = this.#list();
    const wanted = String(name).toLowerCase();
    for (let i = 0; i < fields.length; i += 2) {
      const field = fields[i] as string;
      if (field.length === wanted.length && field.toLowerCase() === wanted) return fields[i + 1] as string;
    }
    return '';
  }

  /** All values, in order. */
  values(name: string): string[] {
    const wanted = String(name).toLowerCase();
    return this.#list().filter((_, i, fields) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === wanted);
  }

  has(name: string): boolean {
    const wanted = String(name).toLowerCase();
    return this.#list().some((field, i) => i % 2 === 0 && field.toLowerCase() === wanted);
  }

  /** Replaces all values of the name by this one. */
  set(name: string, value: unknown): void {
    const field = checkName(name);
    const text = checkValue(field, value);
    const fields = this.#list();
    const wanted = field.toLowerCase();
    let found = false;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i]?.toLowerCase() !== wanted) continue;
      if (found) {
        fields.splice(i, 2);
        i -= 2;
      } else {
        fields[i] = field;
        fields[i + 1] = text;
        found = true;
      }
    }
    if (!found) fields.push(field, text);
    this.#changed = true;
  }

  /** Adds one more value. */
  add(name: string, value: unknown): void {
    const field = checkName(name);
    this.#list().push(field, checkValue(field, value));
    this.#changed = true;
  }

  append(name: string, value: unknown): void {
    this.add(name, value);
  }

  del(name: string): void {
    const fields = this.#list();
    const wanted = String(name).toLowerCase();
    for (let i = fields.length - 2; i >= 0; i -= 2) {
      if (fields[i]?.toLowerCase() !== wanted) continue;
      fields.splice(i, 2);
      this.#changed = true;
    }
  }

  delete(name: string): void {
    this.del(name);
  }

  clone(): Headers {
    return new Headers(Headers.join(this));
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this.entries()) callback(value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    const fields = [...this.#list()];
    for (let i = 0; i < fields.length; i += 2) yield [fields[i] as string, fields[i + 1] as string];
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** `{"Name": ["v1", "v2"]}`, names in canonical case. */
  toJSON(): Record<string, string[]> {
    const all: Record<string, string[]> = {};
    for (const [name, value] of this.entries()) {
      const key = canonicalName(name);
      if (Object.hasOwn(all, key)) all[key]?.push(value);
      else all[key] = [value];
    }
    return all;
  }

  #list(): string[] {
    if (this.#fields === undefined) {
      this.#fields = splitFields(this.#joined ?? '');
      this.#joined = undefined;
    }
    return this.#fields;
  }
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());
}

function checkName(name: unknown): string {
  const text = String(name);
  if (!TOKEN.test(text)) throw new TypeError(`invalid header name ${JSON.stringify(text)}`);
  return text;
}

/** A value as latin1 text: what goes beyond is sent as UTF-8. CR, LF and NUL would split the message. */
function checkValue(name: string, value: unknown): string {
  const text = String(value);
  if (FORBIDDEN.test(text)) throw new TypeError(`invalid value of header ${name}: it has a line break or NUL`);
  return (BEYOND_LATIN1.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text).trim();
}
