import type { Property, ResourceType } from '../schema/types.ts';
import { keyOf } from './column.ts';
import type { Compilers } from './session.ts';
import type { Resource, Session } from './types.ts';

interface Cascaded {
  readonly type: ResourceType;
  readonly resource: Resource;
}

/**
 * The rows that a delete of this one takes along, each after those that take it along. They are locked: a change that came before the delete is in the
 * event log before it, and a row cannot be added unseen to one that is locked, because it refers to it.
 */
export async function findCascade(session: Session, compilers: Compilers, type: ResourceType, id: unknown): Promise<readonly Cascaded[]> {
  const key = (of: ResourceType, resource: Resource): string => `${of.id}/${String(resource[keyOf(of)])}`;
  if (!hasCascade(compilers, type)) return [];
  const root = await session.fetch(type, id, { filter: { kind: 'true' }, embed: false });
  if (root === undefined) return [];
  const seen = new Set([key(type, root)]);
  const found: Cascaded[] = [];
  const queue: Cascaded[] = [{ type, resource: root }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const { from, property, column } of referrers(compilers, next.type)) {
      const value = next.resource[column];
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      const rows = await session.list(from, { filter: { kind: 'in', property, values: [value] }, embed: false, lock: 'skip_related' });
      for (const resource of rows) {
        const name = key(from, resource);
        if (seen.has(name)) continue;
        seen.add(name);
        found.push({ type: from, resource });
        queue.push({ type: from, resource });
      }
    }
  }
  return found;
}

/** Whether the foreign key of the property deletes its row with the one that it refers to. */
export function isCascading(type: ResourceType, property: Property, cascadeDelete: boolean): boolean {
  return (
    cascadeDelete || property.relation?.onDeleteCascade === true || (type.onParentDeleteCascade && property.name === type.parentProperty)
  );
}

function hasCascade(compilers: Compilers, type: ResourceType): boolean {
  return referrers(compilers, type).length > 0;
}

/** The relations that refer to rows of `target` and go with them. */
function referrers(
  { resources, cascadeDelete }: Compilers,
  target: ResourceType,
): readonly { readonly from: ResourceType; readonly property: string; readonly column: string }[] {
  const found: { from: ResourceType; property: string; column: string }[] = [];
  for (const from of resources.values()) {
    for (const property of from.properties) {
      if (property.relation?.schemaId !== target.id || !isCascading(from, property, cascadeDelete)) continue;
      found.push({ from, property: property.name, column: property.relation.column });
    }
  }
  return found;
}
