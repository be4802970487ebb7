import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { RunEvent } from '../resource/event-runner.ts';
import type { SchemaSet } from '../schema/types.ts';

/** Runs `post-migration` of every schema once its tables are prepared, in load order. What fails is told; the gateway serves all the same. */
export async function tellMigrated({ resources }: SchemaSet, runEvent: RunEvent): Promise<void> {
  for (const { id } of resources.values()) {
    try {
      await runEvent(id, 'post-migration', {});
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: `post-migration of ${id}` });
    }
  }
}
