import { isDeepStrictEqual } from 'node:util';

export interface RefreshOptions {
  /** Milliseconds for which a list is used without asking again. */
  readonly ttlMs: number;
  /** Milliseconds beyond that for which it is used while the service can't be asked. */
  readonly maxStaleMs: number;
  /** Milliseconds after a failure in which the service is left alone. */
  readonly failurePauseMs: number;
  /** Milliseconds that a list must be old before a lookup that found nothing asks again. */
  readonly missPauseMs: number;
}

/** A list that is asked for when it is needed, and again when it is old. */
export interface RefreshedList<T> {
  /** Rejects with the loader's error when there is no list that may be used. `isMissed`: something that should be in it was not found. */
  get(isMissed?: boolean): Promise<readonly T[]>;
}

/** One question at a time serves all who wait for it. The same array is given as long as its content is the same. */
export function createRefreshedList<T>(load: () => Promise<readonly T[]>, options: RefreshOptions): RefreshedList<T> {
  let known: { readonly list: readonly T[]; readonly at: number } | undefined;
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  let pending: Promise<readonly T[]> | undefined;

  const refresh = async (): Promise<readonly T[]> => {
    try {
      const list = await load();
      known = { list: known !== undefined && isDeepStrictEqual(known.list, list) ? known.list : list, at: Date.now() };
      failure = undefined;
      return known.list;
    } catch (error) {
      failure = { error, at: Date.now() };
      return useOld(error);
    }
  };
  const useOld = (error: unknown): readonly T[] => {
    if (known !== undefined && Date.now() < known.at + options.ttlMs + options.maxStaleMs) return known.list;
    throw error;
  };

  return {
    async get(isMissed = false) {
      const now = Date.now();
      if (known !== undefined && now < known.at + (isMissed ? Math.min(options.missPauseMs, options.ttlMs) : options.ttlMs))
        return known.list;
      if (pending !== undefined) return pending;
      if (failure !== undefined && now < failure.at + options.failurePauseMs) return useOld(failure.error);
      pending = refresh().finally(() => (pending = undefined));
      return pending;
    },
  };
}
