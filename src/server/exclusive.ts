import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { Life } from './gateway.ts';

/** Reloads and upgrades of a gateway: one at a time, and only while it is ready. */
export interface Exclusive {
  /** Rejects with RELOAD_REFUSED when another one is under way. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Begins an upgrade, whose failure is told and kept. Throws RELOAD_REFUSED as `run` rejects. */
  upgrade(work: () => Promise<void>): void;
  /** Why the last upgrade failed. */
  upgradeError(): SekishoError | undefined;
}

export function createExclusive(life: Life): Exclusive {
  let isBusy = false;
  let failure: SekishoError | undefined;
  const check = (): void => {
    if (isBusy || life.phase !== 'ready')
      throw new SekishoError('RELOAD_REFUSED', 'the gateway starts or ends, or a reload or an upgrade is under way');
  };
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    check();
    isBusy = true;
    try {
      return await work();
    } finally {
      isBusy = false;
    }
  };
  return {
    run,
    upgrade(work) {
      check();
      failure = undefined;
      run(work).catch((error: unknown) => {
        failure = toSekishoError(error);
        observe({ type: 'server.upgrade', state: 'failed', pid: 0, error: failure });
      });
    },
    upgradeError: () => failure,
  };
}
