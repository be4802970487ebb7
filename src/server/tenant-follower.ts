import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant, TenantDirectory } from '../identity/tenant-directory.ts';
import { observe } from '../lib/event.ts';

export interface TenantFollowerOptions {
  /** Undefined: nothing configured knows tenants. */
  readonly directory: TenantDirectory | undefined;
  /** Milliseconds after which the directory is asked again. */
  readonly periodMs: number;
  /** Milliseconds after which it is asked again when it could not be; they double with every failure, up to the period. */
  readonly retryMs?: number;
  /** Milliseconds for which `prepare` waits at most, so that a silent Keystone keeps no gateway from starting. */
  readonly waitMs?: number;
}

/** Keeps the tenants up to date that policies are compiled with. It owns a timer, from the first policy on that speaks of tenants. */
export interface TenantFollower {
  /** What is known now; `unknown` when the directory could not be asked. */
  current(): readonly Tenant[] | 'unknown';
  /** Waits for the tenants when policies (their ids) need them. Never rejects: what is not known then is told to `follow` later. */
  prepare(needing: readonly string[]): Promise<void>;
  /** Calls `onChange` from now on whenever `current` is another. */
  follow(onChange: () => void): void;
  close(): void;
}

const DEFAULTS = { retryMs: 5000, waitMs: 3000 };

export function createTenantFollower(options: TenantFollowerOptions): TenantFollower {
  const { directory, periodMs, retryMs, waitMs } = { ...DEFAULTS, ...options };
  let known: readonly Tenant[] | 'unknown' = directory === undefined ? [] : 'unknown';
  let first: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let onChange = (): void => {};
  let pauseMs = retryMs;
  let isClosed = false;

  const ask = async (source: TenantDirectory): Promise<void> => {
    const before = known;
    try {
      known = await source.list();
      pauseMs = retryMs;
    } catch {
      // The directory has told why, and has nothing left that is young enough.
      known = 'unknown';
      pauseMs = Math.min(pauseMs * 2, periodMs);
    }
    if (isClosed) return;
    timer = setTimeout(() => void ask(source), known === 'unknown' ? pauseMs : periodMs).unref();
    if (known !== before) change();
  };
  const change = (): void => {
    try {
      onChange();
    } catch (error) {
      observe({ type: 'warning', text: `Policies could not be compiled for the tenants that there are now: ${String(error)}` });
    }
  };

  return {
    current: () => known,
    async prepare(needing) {
      if (needing.length === 0) return;
      if (directory === undefined) {
        const policies = needing.map((id) => `"${id}"`).join(', ');
        observe({
          type: 'warning',
          text: `belongs_to of ${policies} has a pattern or a tenant_name, and nothing configured knows tenants (Keystone does): in lists it opens none`,
        });
        return;
      }
      first ??= ask(directory);
      const patience = new AbortController();
      await Promise.race([first, delay(waitMs, undefined, { signal: patience.signal })]);
      patience.abort();
    },
    follow: (listener) => void (onChange = listener),
    close() {
      isClosed = true;
      clearTimeout(timer);
      directory?.close();
    },
  };
}
