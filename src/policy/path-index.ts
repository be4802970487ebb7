import type { CompiledPolicy } from './compiled-policy.ts';

/** Finds the policies whose path pattern matches, without trying all: by the text that their patterns begin with. */
export interface PathIndex {
  /** Calls `found` for every matching policy, in no order, until it gives true. */
  each(path: string, found: (policy: CompiledPolicy) => boolean): void;
}

/** Builds the index. Its cost per lookup is one map access for every different length of prefix. */
export function createPathIndex(policies: readonly CompiledPolicy[]): PathIndex {
  const byPrefix = new Map<string, CompiledPolicy[]>();
  for (const policy of policies) {
    const same = byPrefix.get(policy.path.prefix);
    if (same === undefined) byPrefix.set(policy.path.prefix, [policy]);
    else same.push(policy);
  }
  const lengths = [...new Set([...byPrefix.keys()].map((prefix) => prefix.length))].toSorted((a, b) => a - b);
  return {
    each(path, found) {
      for (const length of lengths) {
        if (length > path.length) return;
        for (const policy of byPrefix.get(path.slice(0, length)) ?? []) {
          if (policy.path.matches(path) && found(policy)) return;
        }
      }
    },
  };
}
