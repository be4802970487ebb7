import type { RealmValues } from './gohan-realm.ts';
import type { GohanTransactions } from './gohan-transactions.ts';
import type { GohanThread } from './types.ts';

const REPEATABLE_READ = 'REPEATABLE READ';

interface TestTransaction {
  readonly object: object;
  readonly isolation: string;
  isOpen: boolean;
}

/**
 * `MockTransaction` and `CommitMockTransaction`: transactions that handlers see as that of the request. SQLite has one writer, so all that are open at a time are
 * one transaction of the database: it is committed by the first `Commit` and goes on in another one; it is undone when the last one closes without.
 */
export function createTestTransactions(
  thread: GohanThread,
  realm: RealmValues,
  transactions: GohanTransactions,
): { readonly MockTransaction: (...args: readonly unknown[]) => object; readonly CommitMockTransaction: () => void } {
  const all: TestTransaction[] = [];
  const end = (one: TestTransaction, isCommit: boolean): void => {
    if (!one.isOpen) return;
    one.isOpen = false;
    const other = all.find(({ isOpen }) => isOpen);
    if (isCommit || other === undefined) thread.call('test.end', isCommit);
    if (isCommit && other !== undefined) thread.call('test.begin', other.isolation);
  };
  const find = (isNew: boolean, isolation: string): TestTransaction => {
    const open = all.find(({ isOpen }) => isOpen);
    if (!isNew && open !== undefined) {
      if (open.isolation === isolation) return open;
      throw realm.error(`Requested ${isolation} isolation level, got ${open.isolation}`);
    }
    if (open === undefined) thread.call('test.begin', isolation);
    const one: TestTransaction = {
      object: { Commit: () => (end(one, true), null), Close: () => (end(one, false), null), Closed: () => !one.isOpen },
      isolation,
      isOpen: true,
    };
    all.push(one);
    transactions.adopt(one.object);
    return one;
  };
  return {
    MockTransaction(...args) {
      const [isNew = false, isolation = REPEATABLE_READ] = args;
      if (args.length > 2) throw realm.error('Wrong number of arguments in MockTransaction call.');
      return find(isNew === true, String(isolation)).object;
    },
    CommitMockTransaction: () => end(find(false, REPEATABLE_READ), true),
  };
}
