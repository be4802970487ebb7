import type { StoreHealth } from '../store/types.ts';

/** What is wrong with the store, in a sentence; requests are served all the same. */
export function storeProblems({ state, since, error }: StoreHealth): readonly string[] {
  if (state === 'ok') return [];
  const why = error === undefined ? '' : `: ${error}`;
  if (state === 'unreachable') return [`the store is not reached since ${since}, so no changes are taken or seen${why}`];
  return [`the last good state of the disk is served since ${since}, because the store is not reached${why}`];
}
