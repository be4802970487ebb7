import type { Settings } from '../config/settings.ts';
import { observe } from '../lib/event.ts';
import { createRegistry, type Registry } from '../store/registry.ts';
import type { Store } from '../store/types.ts';
import type { Closing } from './closing.ts';
import type { Plane } from './plane.ts';

interface Timed<Built> {
  readonly built: Built;
  readonly routes: number;
  readonly buildMs: number;
}

/** Serves the entities of the store on the plane: built before a change is stored, swapped in once it is. */
export async function startState<Built>(settings: Settings, store: Store, plane: Plane<Built>, closing: Closing): Promise<Registry> {
  return closing.add(
    await createRegistry<Timed<Built>>({
      store,
      createDefaultNamespace: !settings.disableDefaultNamespace,
      base: settings.proxy.initResources?.changes ?? [],
      async build(next, previous) {
        const startedAt = performance.now();
        const built = await plane.build(next, previous);
        return { built, routes: next.route.size, buildMs: performance.now() - startedAt };
      },
      discard: ({ built }) => plane.discard(built),
      async swap({ built, routes, buildMs }, revision, hash) {
        await plane.swap(built, revision, hash);
        observe({ type: 'snapshot.swapped', revision, hash, routes, buildMs });
      },
    }),
  );
}
