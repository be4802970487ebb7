import type { MessagePort } from 'node:worker_threads';

const soon = setImmediate;

/** Console lines and failures that wait for the next batch; beyond it they are counted only. */
const MAX_REPORTS = 500;

/** What a thread sends to the gateway, as one flat array per turn of its event loop. */
export interface Outbox {
  put(...items: unknown[]): void;
  /** As `put`, for lines of which too many are dropped. */
  report(...items: unknown[]): void;
  /** Sends now: for a thread that is about to wait. */
  flush(): void;
}

/** `toDropped` makes the item that tells how many reports were dropped. */
export function createOutbox(port: MessagePort, toDropped: (count: number) => readonly unknown[]): Outbox {
  let items: unknown[] = [];
  let scheduled = false;
  let reports = 0;
  let dropped = 0;
  const flush = (): void => {
    if (dropped > 0) items.push(...toDropped(dropped));
    const batch = items;
    items = [];
    reports = 0;
    dropped = 0;
    if (batch.length > 0) port.postMessage(batch);
  };
  const put = (...more: unknown[]): void => {
    for (const item of more) items.push(item);
    if (scheduled) return;
    scheduled = true;
    soon(() => {
      scheduled = false;
      flush();
    });
  };
  return {
    put,
    flush,
    report(...more) {
      reports += 1;
      if (reports > MAX_REPORTS) dropped += 1;
      else put(...more);
    },
  };
}
