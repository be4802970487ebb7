/** Query parameters as modules see them. Changing them does not change the request. */
export class Query {
  readonly #text: string;
  #parsed: URLSearchParams | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The first value, or `""`. */
  get(name: string): string {
    return this.#params().get(name) ?? '';
  }

  has(name: string): boolean {
    return this.#params().has(name);
  }

  values(name: string): string[] {
    return this.#params().getAll(name);
  }

  getAll(name: string): string[] {
    return this.#params().getAll(name);
  }

  set(name: string, value: unknown): void {
    this.#params().set(name, String(value));
  }

  add(name: string, value: unknown): void {
    this.#params().append(name, String(value));
  }

  del(name: string): void {
    this.#params().delete(name);
  }

  delete(name: string): void {
    this.#params().delete(name);
  }

  keys(): IterableIterator<string> {
    return this.#params().keys();
  }

  entries(): IterableIterator<[string, string]> {
    return this.#params().entries();
  }

  forEach(callback: (value: string, name: string) => void): void {
    for (const [name, value] of this.entries()) callback(value, name);
  }

  /** `a=1&b=2`, sorted by name. */
  encode(): string {
    const sorted = new URLSearchParams(this.#params());
    sorted.sort();
    return sorted.toString();
  }

  toString(): string {
    return this.#params().toString();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toJSON(): Record<string, string[]> {
    return Object.fromEntries([...new Set(this.keys())].map((name) => [name, this.values(name)]));
  }

  #params(): URLSearchParams {
    this.#parsed ??= new URLSearchParams(this.#text);
    return this.#parsed;
  }
}
