import type { HandleOf } from './gohan-arguments.ts';
import type { GohanThread } from './types.ts';

/** The transactions of one environment, as scripts hold them. */
export interface GohanTransactions {
  /** Begins one; an empty isolation is that of the database. */
  begin(isolation: string): object;
  readonly handleOf: HandleOf;
  /** From now on the object stands for the transaction of the request. */
  adopt(transaction: object): void;
}

/** Of all environments: a context may go from one to another. */
const handles = new WeakMap<object, number>();

export function createTransactions(thread: GohanThread): GohanTransactions {
  const adopted = new WeakSet<object>([thread.transaction]);
  return {
    begin(isolation) {
      const handle = thread.call('db.begin', isolation === '' ? undefined : isolation);
      let isOpen = true;
      const end = (name: 'db.commit' | 'db.close') => (): null => {
        if (name === 'db.commit' || isOpen) thread.call(name, handle);
        isOpen = false;
        return null;
      };
      const transaction = { Commit: end('db.commit'), Close: end('db.close'), Closed: () => !isOpen };
      handles.set(transaction, handle);
      return transaction;
    },
    handleOf(value) {
      if (typeof value !== 'object' || value === null) return undefined;
      return adopted.has(value) ? 'request' : handles.get(value);
    },
    adopt: (transaction) => void adopted.add(transaction),
  };
}
