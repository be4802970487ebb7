import type { WatchEvent } from './types.ts';
import { type Message, toMessages, toWatchEvent } from './wire.ts';

/** Whole revisions of a watch. */
export interface Batch {
  readonly events: readonly WatchEvent[];
  readonly revision: number;
}

/** Puts the messages of one stream together again, so that nobody sees a part of a revision or the same revision twice. */
export interface WatchBatches {
  /** The whole revisions that are there with this message; undefined when there are none. */
  add(message: Message): Batch | undefined;
  /** Everything up to `revision` is known otherwise. */
  skipTo(revision: number): void;
}

/** Begins after `revision`. */
export function createWatchBatches(revision: number): WatchBatches {
  let position = revision;
  /** Events of one revision at most: those before it are handed out while the fragments of a message still come. */
  let held: WatchEvent[] = [];
  return {
    add(message) {
      const events = toMessages(message.events)
        .map(toWatchEvent)
        .filter((event) => event.kv.modRevision > position);
      const all = [...held, ...events];
      const last = all.at(-1)?.kv.modRevision;
      if (last === undefined) return undefined;
      const isPart = message.fragment === true;
      const whole = isPart ? all.filter((event) => event.kv.modRevision < last) : all;
      held = isPart ? all.filter((event) => event.kv.modRevision === last) : [];
      const to = whole.at(-1)?.kv.modRevision;
      if (to === undefined) return undefined;
      position = to;
      return { events: whole, revision: to };
    },
    skipTo(to) {
      position = Math.max(position, to);
      held = held.filter((event) => event.kv.modRevision > position);
    },
  };
}
