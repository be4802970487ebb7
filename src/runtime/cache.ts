interface Entry {
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch; Infinity without a time to live. */
  readonly expiresAt: number;
}

/** What modules keep with `setCache`: per namespace, the least recently used entries go when it holds more than its bytes. */
export interface ModuleCache {
  get(namespace: string, key: string): Uint8Array | undefined;
  set(namespace: string, key: string, bytes: Uint8Array, ttlMs: number): void;
}

export function createModuleCache(maxBytes: number): ModuleCache {
  const spaces = new Map<string, { readonly entries: Map<string, Entry>; bytes: number }>();
  const remove = (space: { readonly entries: Map<string, Entry>; bytes: number }, key: string): void => {
    const entry = space.entries.get(key);
    if (entry === undefined) return;
    space.entries.delete(key);
    space.bytes -= sizeOf(key, entry.bytes);
  };
  return {
    get(namespace, key) {
      const space = spaces.get(namespace);
      const entry = space?.entries.get(key);
      if (space === undefined || entry === undefined) return undefined;
      if (entry.expiresAt <= Date.now()) {
        remove(space, key);
        return undefined;
      }
      space.entries.delete(key);
      space.entries.set(key, entry);
      return entry.bytes;
    },
    set(namespace, key, bytes, ttlMs) {
      let space = spaces.get(namespace);
      if (space === undefined) {
        space = { entries: new Map(), bytes: 0 };
        spaces.set(namespace, space);
      }
      remove(space, key);
      const size = sizeOf(key, bytes);
      if (size > maxBytes) return;
      space.entries.set(key, { bytes, expiresAt: ttlMs > 0 ? Date.now() + ttlMs : Number.POSITIVE_INFINITY });
      space.bytes += size;
      for (const oldest of space.entries.keys()) {
        if (space.bytes <= maxBytes) break;
        remove(space, oldest);
      }
    },
  };
}

function sizeOf(key: string, bytes: Uint8Array): number {
  return key.length * 2 + bytes.byteLength + 64;
}
