import { SekishoError } from '../lib/errors.ts';
import type { Executor } from './executor.ts';

/** The statements of one transaction, watched. */
export interface Guard {
  /** Refuses once the transaction is over, its signal aborted, or the database has undone it. */
  readonly executor: Executor;
  /** The failure of a statement that undid the whole transaction (a clash, a lost connection): it can't be committed any more. */
  readonly broken: SekishoError | undefined;
  /** The first failure of any statement. */
  readonly failure: SekishoError | undefined;
  /** How many statements were answered. */
  readonly answered: number;
  end(): void;
}

/** Guards what runs the statements of one transaction. */
export function guardExecutor(inner: Executor, signal: AbortSignal | undefined): Guard {
  let isOver = false;
  let broken: SekishoError | undefined;
  let failure: SekishoError | undefined;
  let answered = 0;
  const run = async <T>(statement: () => Promise<T>): Promise<T> => {
    if (isOver) throw new SekishoError('DATABASE_FAILED', 'a statement came after the end of its transaction');
    // A server that undid the transaction would run what follows outside of any.
    if (broken !== undefined) throw broken;
    signal?.throwIfAborted();
    try {
      const result = await statement();
      answered += 1;
      return result;
    } catch (error) {
      if (error instanceof SekishoError) {
        failure ??= error;
        if (error.code === 'DATABASE_RETRY' || error.code === 'DATABASE_LOST') broken ??= error;
      }
      throw error;
    }
  };
  return {
    executor: {
      rows: (text, parameters, context) => run(() => inner.rows(text, parameters, context)),
      change: (text, parameters, context) => run(() => inner.change(text, parameters, context)),
      records: (text, parameters) => run(() => inner.records(text, parameters)),
    },
    get broken() {
      return broken;
    },
    get failure() {
      return failure;
    },
    get answered() {
      return answered;
    },
    end() {
      isOver = true;
    },
  };
}
