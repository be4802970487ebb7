import type { HostCalls } from './host-calls.ts';
import { sessionOf } from './host-calls-database.ts';

/** `event.*`: events that handlers cause by name. */
export const EVENT_CALLS: HostCalls<'event'> = {
  async 'event.trigger'(context, event, environments, transaction) {
    const { life, caller } = context;
    const session = sessionOf(context, transaction);
    const changed: Record<string, unknown> = {};
    for (const environment of environments) {
      const events = life.eventsOf(environment, caller.depth, {});
      if (!events.handles(event)) continue;
      const run = () => events.run(event, {});
      const { hasNewResponse: _, ...left } = await (session === undefined ? run() : events.within(session, false, run));
      Object.assign(changed, left);
    }
    return changed;
  },
};
