import type { Executor } from './executor.ts';
import { RunAgain } from './run-again.ts';

/** Runs work in one transaction: resolves to its result when that is committed, rejects when it is undone. */
export type Transact = <T>(work: (executor: Executor) => Promise<T>) => Promise<T>;

/**
 * Begins the transaction of `work` with its first statement: what it does before holds no connection and keeps nobody waiting, and BEGIN travels with that
 * statement. Without a statement there is no transaction. Rejects with `RunAgain` when the transaction would have to be run anew: `work` can't go back.
 */
export async function deferBegin<T>(transact: Transact, work: (executor: Executor) => Promise<T>): Promise<T> {
  const begun: { executor?: Promise<Executor>; over?: Promise<T> } = {};
  const executor = (): Promise<Executor> =>
    (begun.executor ??= new Promise((resolve, reject) => {
      let isAgain = false;
      begun.over = transact(async (own) => {
        if (isAgain) throw new RunAgain('The transaction was undone before it was committed; try again.');
        isAgain = true;
        resolve(own);
        return await result;
      });
      begun.over.catch(reject);
    }));
  const result = work({
    rows: async (text, parameters, context) => (await executor()).rows(text, parameters, context),
    change: async (text, parameters, context) => (await executor()).change(text, parameters, context),
    records: async (text, parameters) => (await executor()).records(text, parameters),
  });
  await result.catch(() => undefined);
  return await (begun.over ?? result);
}
