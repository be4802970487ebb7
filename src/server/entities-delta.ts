import { ENTITY_KINDS, emptyEntities, toEntityId, toEntityKey } from '../entity/entity-key.ts';
import { editEntities } from '../entity/references.ts';
import type { Entities, EntityKind, EntityTypes } from '../entity/types.ts';
import { diffKeys } from '../lib/shared-map.ts';

/** What leads from one set of entities to another, kind by kind; kinds without a difference are absent. */
export type EntitiesDelta = {
  readonly [K in EntityKind]?: { readonly puts: readonly EntityTypes[K][]; readonly deletions: readonly string[] };
};

/** The difference by identity: an entity that did not change is the same object in both. `from` undefined: nothing was there. */
export function diffEntities(from: Entities | undefined, to: Entities): EntitiesDelta {
  const before = from ?? emptyEntities();
  const delta: Record<string, unknown> = {};
  for (const kind of ENTITY_KINDS) {
    const now: ReadonlyMap<string, unknown> = to[kind];
    const keys = [...diffKeys<unknown>(before[kind], now)];
    if (keys.length === 0) continue;
    const puts = keys.flatMap((key) => now.get(key) ?? []);
    delta[kind] = { puts, deletions: keys.filter((key) => !now.has(key)) };
  }
  return delta;
}

/** `from` with the difference. What did not change stays the same object, so that a snapshot is built anew only where it must be. */
export function applyDelta(from: Entities, delta: EntitiesDelta): Entities {
  const edits = new Map<EntityKind, Map<string, unknown>>();
  for (const kind of ENTITY_KINDS) {
    const part = delta[kind];
    if (part === undefined) continue;
    const some = new Map<string, unknown>(part.deletions.map((key) => [key, undefined]));
    for (const entity of part.puts) {
      // Kind and entity belong together: both come from the map of that kind.
      const { namespace, name } = toEntityId({ op: 'put', kind, entity } as Parameters<typeof toEntityId>[0]);
      some.set(toEntityKey(kind, namespace, name), entity);
    }
    edits.set(kind, some);
  }
  return editEntities(from, edits);
}

/** True when code of users is compiled and run for it: what can take a process down. */
export function hasCode({ module, route }: EntitiesDelta): boolean {
  return (module?.puts.length ?? 0) > 0 || (route?.puts ?? []).some(({ modules }) => (modules ?? []).length > 0);
}
