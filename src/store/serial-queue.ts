import { SekishoError } from '../lib/errors.ts';

/** Runs tasks one after the other, in the order in which they came. */
export interface SerialQueue {
  /** The result of `task`. STORE_BUSY when too many are waiting, NOT_READY when the queue closes before its turn. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Refuses what is waiting and resolves when the running task has ended. */
  close(): Promise<void>;
}

export function createSerialQueue(maxWaiting: number): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let isClosed = false;
  const checkOpen = () => {
    if (isClosed) throw new SekishoError('NOT_READY', 'the gateway is stopping; the change was not applied');
  };

  return {
    async run(task) {
      checkOpen();
      if (waiting >= maxWaiting) throw new SekishoError('STORE_BUSY', `${waiting} changes are waiting already; try again`);
      waiting += 1;
      const result = last.then(() => {
        waiting -= 1;
        checkOpen();
        return task();
      });
      last = result.catch(() => undefined);
      return await result;
    },
    async close() {
      isClosed = true;
      await last;
    },
  };
}
