import type { SekishoError } from '../lib/errors.ts';
import { toSekishoError } from '../lib/errors.ts';
import type { LoggedEvent } from '../sql/event-log.ts';
import type { SyncLayout } from './layout.ts';
import { toValue } from './value.ts';

/** One write of a key, which delivers one or more rows of the log. */
export interface Step {
  readonly key: string;
  /** The path in etcd, under which its state and monitoring stand. */
  readonly path: string;
  readonly events: readonly LoggedEvent[];
  /** `delete` removes the resource with what was reported about it; `empty` its key alone. */
  readonly write: { readonly kind: 'put'; readonly value: string } | { readonly kind: 'delete' | 'empty' };
}

export interface StepPlan {
  /** For each key its steps, which go one after the other. */
  readonly queues: readonly (readonly Step[])[];
  /** Events whose value can't be made, by the path of the event. */
  readonly invalid: ReadonlyMap<string, SekishoError>;
}

/**
 * Plans the writes of a batch. A row that is followed by a newer one of its key need not be written: etcd holds the state of things. But a resource
 * that is made anew after it was deleted is a new one, so its deletion is written first, and versions only grow in the life of a key.
 */
export function planSteps(batch: readonly LoggedEvent[], layout: SyncLayout): StepPlan {
  const queues = new Map<string, Step[]>();
  const invalid = new Map<string, SekishoError>();
  const held = new Map<string, LoggedEvent[]>();
  for (const event of batch) {
    const earlier = held.get(event.path) ?? [];
    let step: Step;
    try {
      step = toStep(event, layout, earlier);
    } catch (error) {
      invalid.set(event.path, toSekishoError(error));
      held.set(event.path, [...earlier, event]);
      continue;
    }
    // What could not be written is out of date now.
    invalid.delete(event.path);
    held.delete(event.path);
    const queue = queues.get(step.key);
    if (queue === undefined) queues.set(step.key, [step]);
    else append(queue, step);
  }
  return { queues: [...queues.values()], invalid };
}

function toStep(event: LoggedEvent, layout: SyncLayout, earlier: readonly LoggedEvent[]): Step {
  const place = layout.placeOf(event);
  const events = [...earlier, event];
  if (event.type === 'delete') return { ...place, events, write: { kind: 'delete' } };
  const value = toValue(event);
  return { ...place, events, write: value === undefined ? { kind: 'empty' } : { kind: 'put', value } };
}

function append(queue: Step[], step: Step): void {
  const last = queue.at(-1) as Step;
  if (last.write.kind === 'delete' && step.write.kind !== 'delete') {
    queue.push(step);
    return;
  }
  queue[queue.length - 1] = { ...step, events: [...last.events, ...step.events] };
}
