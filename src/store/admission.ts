import { EntityError } from '../entity/entity-error.ts';
import { toEntityId } from '../entity/entity-key.ts';
import type { Change, EntityId } from '../entity/types.ts';
import { type SekishoError, toSekishoError } from '../lib/errors.ts';
import { toIdKey } from './entity-layers.ts';

/**
 * Admits as many of `changes` as possible: all in one `attempt` when that works; else those that the failure names are left out, or, when it names none,
 * the halves are tried apart. An attempt that succeeded is the ground of the next one.
 */
export async function admitAll(
  changes: readonly Change[],
  attempt: (changes: readonly Change[]) => Promise<void>,
  leaveOut: (change: Change, error: SekishoError) => void,
): Promise<void> {
  let rest = changes;
  while (rest.length > 0) {
    try {
      await attempt(rest);
      return;
    } catch (error) {
      const culprit = rest.length === 1 ? rest[0] : findCulprit(rest, error);
      if (culprit === undefined) {
        const half = rest.length >> 1;
        await admitAll(rest.slice(0, half), attempt, leaveOut);
        await admitAll(rest.slice(half), attempt, leaveOut);
        return;
      }
      leaveOut(culprit, toSekishoError(error));
      rest = rest.filter((change) => change !== culprit);
    }
  }
}

/** The entity that an error is about, when it tells. */
export function toErrorEntity(error: unknown): EntityId | undefined {
  return error instanceof EntityError ? error.entity : undefined;
}

function findCulprit(changes: readonly Change[], error: unknown): Change | undefined {
  const entity = toErrorEntity(error);
  if (entity === undefined) return undefined;
  const key = toIdKey(entity);
  return changes.find((change) => toIdKey(toEntityId(change)) === key);
}
