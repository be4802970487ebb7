import type { SekishoError } from '../lib/errors.ts';
import { backoffMs } from './pause.ts';

/** A resource whose rows cannot be delivered now. */
export interface BlockedPath {
  readonly path: string;
  readonly error: SekishoError;
  readonly failures: number;
  /** Milliseconds of Unix time. */
  readonly since: number;
  readonly retryAt: number;
}

/** Resources that are left out for a while, so that the others go on. */
export interface BlockedPaths {
  readonly all: readonly BlockedPath[];
  /** Those that it is too early to try again. */
  waiting(): readonly string[];
  /** Leaves a path out for longer each time; gives how often it failed. */
  block(path: string, error: SekishoError): number;
  /** Those paths can be delivered after all, or there is nothing of them to deliver. */
  release(paths: Iterable<string>): void;
  /** Milliseconds until the next one is to be tried again. */
  nextMs(): number;
  clear(): void;
}

const MAX_PAUSE_MS = 60_000;
/** The first pause is 0.4 to 0.8 seconds. */
const FIRST_FAILURE = 3;

export function createBlockedPaths(): BlockedPaths {
  const blocked = new Map<string, BlockedPath>();
  return {
    get all() {
      return [...blocked.values()];
    },
    waiting() {
      const now = Date.now();
      return [...blocked.values()].filter(({ retryAt }) => retryAt > now).map(({ path }) => path);
    },
    block(path, error) {
      const before = blocked.get(path);
      const failures = (before?.failures ?? 0) + 1;
      const now = Date.now();
      const retryAt = now + backoffMs(failures + FIRST_FAILURE, MAX_PAUSE_MS);
      blocked.set(path, { path, error, failures, since: before?.since ?? now, retryAt });
      return failures;
    },
    release(paths) {
      for (const path of paths) blocked.delete(path);
    },
    nextMs() {
      const now = Date.now();
      return Math.min(...[...blocked.values()].map(({ retryAt }) => Math.max(1, retryAt - now)), Number.POSITIVE_INFINITY);
    },
    clear: () => blocked.clear(),
  };
}
