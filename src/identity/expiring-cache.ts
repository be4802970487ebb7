interface Entry<T> {
  readonly value: T;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Remembers values until a time each; of more than `size` the least recently used goes. */
export interface ExpiringCache<T> {
  get(key: string): T | undefined;
  set(key: string, value: T, until: number): void;
  clear(): void;
  readonly size: number;
}

export function createExpiringCache<T>(size: number): ExpiringCache<T> {
  const entries = new Map<string, Entry<T>>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.until <= Date.now()) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, until) {
      if (size <= 0 || until <= Date.now()) return;
      entries.delete(key);
      entries.set(key, { value, until });
      if (entries.size > size) entries.delete(entries.keys().next().value ?? '');
    },
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
  };
}
