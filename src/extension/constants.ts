/** Values that come with every request, as a schema's description: a thread gets each once and knows it by a number. */
export interface Constants {
  /** The number of a frozen object; undefined for any other value, and for objects that were not seen before. `send` is called with the text of a new one. */
  idOf(value: unknown, send: (id: number, text: string) => void): number | undefined;
}

const MAX_CONSTANTS = 1000;

/** Objects that were sent at least once: what comes only once is not worth a number. */
const seen = new WeakSet<object>();

export function createConstants(): Constants {
  const ids = new WeakMap<object, number>();
  let last = 0;
  return {
    idOf(value, send) {
      if (value === null || typeof value !== 'object' || !Object.isFrozen(value)) return undefined;
      const known = ids.get(value);
      if (known !== undefined) return known;
      if (!seen.has(value) || last >= MAX_CONSTANTS) {
        seen.add(value);
        return undefined;
      }
      last += 1;
      ids.set(value, last);
      send(last, JSON.stringify(value));
      return last;
    },
  };
}
