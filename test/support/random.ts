import { randomInt } from 'node:crypto';

/** Numbers that are the same for the same seed. */
export interface Random {
  readonly seed: number;
  /** From 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
}

/** mulberry32; without a seed, one that nobody knows beforehand. */
export function createRandom(seed = randomInt(2 ** 31)): Random {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { seed, below };
}
