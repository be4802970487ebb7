import { createHash } from 'node:crypto';
import { toEntityId } from '../entity/entity-key.ts';
import { redactEntity } from '../entity/redact.ts';
import type { Change, EntityKind, EntityTypes } from '../entity/types.ts';
import type { EntityId, HistoryChange } from './types.ts';

/** The hash before the first change. */
export const FIRST_HASH = '0'.repeat(16);

/** `changes` as the history shows them; `before` gives what was stored under an id until now. */
export function toHistoryChanges(changes: readonly Change[], before: (id: EntityId) => unknown): readonly HistoryChange[] {
  return changes.map((change) => {
    const id = toEntityId(change);
    const old = before(id);
    return {
      op: change.op,
      ...id,
      ...(change.op === 'put' && { after: redactAny(change.kind, change.entity) }),
      ...(old !== undefined && { before: redactAny(id.kind, old) }),
    };
  });
}

/** The hash of a history that goes on with `changes`: 16 hex digits of SHA-256 over the hash before and the redacted changes. */
export function toChainHash(previous: string, changes: readonly HistoryChange[]): string {
  const body = changes.map(({ op, kind, namespace, name, after }) => ({ op, kind, namespace, name, after }));
  return createHash('sha256').update(previous).update(toCanonicalJson(body)).digest('hex').slice(0, 16);
}

/** JSON with the keys of every object sorted. */
export function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function redactAny(kind: EntityKind, entity: unknown): unknown {
  // What is stored under a kind is an entity of that kind.
  return redactEntity(kind, entity as EntityTypes[EntityKind]);
}
