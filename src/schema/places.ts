/** Where something stands in a schema file; line and column from 1. `order` is the place of the file among those read. */
export interface Place {
  readonly file: string;
  readonly order: number;
  readonly line: number;
  readonly column: number;
}

interface KnownPlaces {
  readonly self: Place;
  readonly keys: ReadonlyMap<string, Place>;
}

/** Remembers where every map and list of the parsed files stands, and each of its keys. Merging files keeps the objects, so places survive it. */
export interface Places {
  remember(holder: object, places: KnownPlaces): void;
  /** Of a key of `holder`, or of `holder` itself when it has no such key. */
  of(holder: object, key?: string): Place | undefined;
}

export function createPlaces(): Places {
  const known = new WeakMap<object, KnownPlaces>();
  return {
    remember: (holder, places) => void known.set(holder, places),
    of(holder, key) {
      const places = known.get(holder);
      return (key === undefined ? undefined : places?.keys.get(key)) ?? places?.self;
    },
  };
}

/** `file:line:column`. */
export function toPlaceText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}
