import type { Extensions } from '../extension/types.ts';
import type { Closable } from './closing.ts';

/** The extensions that are served now; those before them end when nothing uses them any more. */
export interface ServedExtensions extends Closable {
  readonly current: Extensions | undefined;
  /** Takes others. `serve` begins to use them, and resolves when the ones before are out of use. */
  replace(next: Extensions | undefined, serve: () => Promise<void>): Promise<void>;
}

export function createServedExtensions(first: Extensions | undefined): ServedExtensions {
  let current = first;
  const ending = new Set<Promise<unknown>>();
  return {
    get current() {
      return current;
    },
    replace(next, serve) {
      const before = current;
      current = next;
      // Not waited for: a long request must not hold up the next change.
      const end = serve()
        .then(() => before?.close())
        .finally(() => ending.delete(end));
      ending.add(end);
      return Promise.resolve();
    },
    async close() {
      await current?.close();
      await Promise.allSettled(ending);
    },
  };
}
