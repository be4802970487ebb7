import type { CompiledPolicy } from './compiled-policy.ts';

/** Finds the policies whose path pattern matches, without trying all: by the text that their patterns begin with. */
export interface PathIndex {
  /** Calls `found` for every matching policy, in no order, until it gives true. */
  each(path: string, found: (policy: CompiledPolicy) => boolean): void;
}

/** Patterns whose beginnings have one length and their wild characters in the same places. */
interface Shape {
  readonly length: number;
  readonly wild: readonly number[];
  readonly byPrefix: Map<string, CompiledPolicy[]>;
}

/** Builds the index. A lookup costs one map access for every shape of prefix, of which there are few. */
export function createPathIndex(policies: readonly CompiledPolicy[]): PathIndex {
  const shapes = new Map<string, Shape>();
  for (const policy of policies) {
    const { prefix, wild } = policy.path;
    const key = `${prefix.length}:${wild.join()}`;
    let shape = shapes.get(key);
    if (shape === undefined) shapes.set(key, (shape = { length: prefix.length, wild, byPrefix: new Map() }));
    const same = shape.byPrefix.get(prefix);
    if (same === undefined) shape.byPrefix.set(prefix, [policy]);
    else same.push(policy);
  }
  const sorted = [...shapes.values()].toSorted((a, b) => a.length - b.length);
  return {
    each(path, found) {
      for (const { length, wild, byPrefix } of sorted) {
        if (length > path.length) return;
        const alike = byPrefix.get(mask(path.slice(0, length), wild));
        if (alike === undefined) continue;
        for (const policy of alike) {
          if (policy.path.matches(path) && found(policy)) return;
        }
      }
    },
  };
}

/** The text with a dot at every wild place, as the patterns have it. */
function mask(text: string, wild: readonly number[]): string {
  let masked = text;
  for (const at of wild) masked = `${masked.slice(0, at)}.${masked.slice(at + 1)}`;
  return masked;
}
