import { SekishoError } from '../lib/errors.ts';

/** Who may hold a thread; asked to give it up when others need one. */
export interface SlotHolder {
  /** Whether its thread can be spared: it has no request at all, or only such as wait for their upstream (their `ctx.set` values are lost). */
  readonly spare: 'idle' | 'between' | 'no';
  readonly lastUsedAt: number;
  evict(): void;
}

/** Bounds the number of threads. A slot is free again when its thread has really ended. */
export interface ThreadSlots {
  /** Resolves when a slot is free, evicting the least recently used idle holder if need be; rejects with MODULE_BUSY after `timeoutMs`. */
  acquire(holder: SlotHolder, timeoutMs: number): Promise<void>;
  release(holder: SlotHolder): void;
  /** Called when a holder became idle: somebody may wait for its thread. */
  idle(): void;
}

export function createThreadSlots(max: number): ThreadSlots {
  const held = new Map<SlotHolder, number>();
  const waiting: { readonly holder: SlotHolder; readonly take: () => void }[] = [];
  let used = 0;

  const take = (holder: SlotHolder): void => {
    used += 1;
    held.set(holder, (held.get(holder) ?? 0) + 1);
  };
  const evict = (): void => {
    const spare = [...held.keys()].filter((holder) => holder.spare !== 'no');
    const idle = spare.filter((holder) => holder.spare === 'idle');
    const [oldest] = (idle.length > 0 ? idle : spare).toSorted((a, b) => a.lastUsedAt - b.lastUsedAt);
    oldest?.evict();
  };

  return {
    acquire(holder, timeoutMs) {
      if (used < max) {
        take(holder);
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const entry = {
          holder,
          take: () => {
            clearTimeout(timer);
            take(holder);
            resolve();
          },
        };
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(entry), 1);
          reject(new SekishoError('MODULE_BUSY', `All ${max} module threads are busy (modules.max_threads).`));
        }, timeoutMs);
        waiting.push(entry);
        evict();
      });
    },
    release(holder) {
      used -= 1;
      const count = (held.get(holder) ?? 1) - 1;
      if (count === 0) held.delete(holder);
      else held.set(holder, count);
      if (used < max) waiting.shift()?.take();
    },
    idle() {
      if (waiting.length > 0) evict();
    },
  };
}
