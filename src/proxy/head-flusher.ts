/** What can be waiting for the first bytes of its body. */
export interface PendingHead {
  flushHead(): void;
}

/** Sends, once per turn of the event loop, the heads whose bodies did not come with them (Server-Sent Events, slow upstreams). */
export interface HeadFlusher {
  flushSoon(head: PendingHead): void;
}

export function createHeadFlusher(): HeadFlusher {
  let pending: PendingHead[] = [];
  const flush = (): void => {
    const heads = pending;
    pending = [];
    for (const head of heads) head.flushHead();
  };
  return {
    flushSoon(head) {
      if (pending.push(head) === 1) setImmediate(flush);
    },
  };
}
