/** Tells who waits for event rows that a transaction which wrote some was committed. */
export interface CommitSignal {
  /** Adds a listener, which must be quick and must not throw; the returned function removes it. */
  on(listener: () => void): () => void;
  /** Runs a transaction that calls `onLogged` for each event row, and tells the listeners when it was acknowledged. */
  follow<T>(run: (onLogged: () => void) => Promise<T>): Promise<T>;
}

export function createCommitSignal(): CommitSignal {
  const listeners = new Set<() => void>();
  return {
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async follow(run) {
      let hasLogged = false;
      const result = await run(() => {
        hasLogged = true;
      });
      if (hasLogged) for (const listener of listeners) listener();
      return result;
    },
  };
}
