import { SekishoError } from '../lib/errors.ts';
import { awaitConnection } from './await-connection.ts';
import type { Executor } from './executor.ts';

/** An executor of reads that asks once more when a connection was lost: the pool may have given one that had died meanwhile. */
export function readAgain(inner: Executor): Executor {
  const again = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof SekishoError) || error.code !== 'DATABASE_LOST') throw error;
      return await read();
    }
  };
  return {
    rows: (text, parameters, context) => again(() => awaitConnection(() => inner.rows(text, parameters, context))),
    // Not for changes and statements of others: nobody knows whether they were carried out.
    change: inner.change,
    records: inner.records,
  };
}
