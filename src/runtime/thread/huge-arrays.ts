/** The constructors of a realm. */
export type Realm = Pick<typeof globalThis, 'Array' | 'String' | 'RangeError'>;

/**
 * Refuses to make arrays in one step that cannot fit into the heap. V8 does not look up while it makes them, and ends the whole
 * process when they reach its own limits (`text.split('')` of 2^28 characters, `new Array(2 ** 30).fill(0)`).
 */
export function refuseHugeArrays(heapLimitBytes: number, realm: Realm = globalThis): void {
  const maxElements = Math.floor(heapLimitBytes / 8);
  const check = (count: unknown): void => {
    if (typeof count === 'number' && count > maxElements)
      throw new realm.RangeError(`an array of ${count} elements is larger than the heap of a module`);
  };
  const { fill } = realm.Array.prototype;
  const { split } = realm.String.prototype;
  const from = realm.Array.from as (...args: unknown[]) => unknown[];
  const replace = (owner: object, methods: Readonly<Record<string, unknown>>): void => {
    for (const [name, value] of Object.entries(methods))
      Object.defineProperty(owner, name, { value, writable: true, configurable: true, enumerable: false });
  };
  replace(realm.Array.prototype, {
    fill(this: unknown[], ...args: [unknown]) {
      check(this.length);
      return fill.apply(this, args);
    },
  });
  replace(realm.String.prototype, {
    split(this: string, ...args: Parameters<typeof split>) {
      check(this.length);
      return split.apply(this, args);
    },
  });
  replace(realm.Array, {
    from(this: unknown, source: { readonly length?: unknown } | null | undefined, ...args: unknown[]) {
      check(source?.length);
      return Reflect.apply(from, this, [source, ...args]);
    },
  });
}
