import { SekishoError } from '../lib/errors.ts';
import { allOf, type Filter, TRUE } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Selection, Session } from '../sql/types.ts';
import type { ListQuery } from './query.ts';
import type { Work } from './types.ts';

/** The id of the parent in a long path. */
export function parentId({ ancestorIds }: Pick<Work, 'ancestorIds'>): string | undefined {
  return ancestorIds.at(-1);
}

/** Rows of the type that lie under the parent of the path; all of them on a short path. */
export function parentFilter(call: Pick<Work, 'ancestorIds' | 'type'>): Filter {
  const id = parentId(call);
  const { parentProperty } = call.type;
  return id === undefined || parentProperty === undefined ? TRUE : { kind: 'in', property: parentProperty, values: [id] };
}

/**
 * Throws RESOURCE_NOT_FOUND unless every ancestor in a long path exists, is a child of the one before, and is visible to the caller.
 * About ancestors that the caller may not read at all nothing is told: the path then only selects.
 */
export async function checkAncestors(call: Work, session: Session): Promise<void> {
  const { type, models, identity, ancestorIds } = call;
  let inner = ancestorIds.length;
  for (let at = ancestorIds.length - 1; at >= 0; at -= 1) {
    inner = at;
    const ancestor = models.schemas.resources.get(type.ancestors[at]?.schemaId ?? '');
    const id = ancestorIds[inner] as string;
    if (ancestor === undefined) throw noAncestor(type.ancestors[at]?.schemaId ?? '', id);
    const decision = models.access.decide(identity, 'read', ancestor, id);
    if (!decision.allowed) continue;
    const filter = allOf([models.access.reach(decision.permit, ancestor), toParentFilter(ancestor, ancestorIds[at - 1])]);
    const found = await session.fetch(ancestor, id, { filter, embed: false, fields: ['id'] });
    if (found === undefined) throw noAncestor(ancestor.id, id);
  }
}

function toParentFilter({ parentProperty }: ResourceType, id: string | undefined): Filter {
  return parentProperty === undefined || id === undefined ? TRUE : { kind: 'in', property: parentProperty, values: [id] };
}

function noAncestor(schemaId: string, id: string): SekishoError {
  return new SekishoError('RESOURCE_NOT_FOUND', `Resource not found: there is no ${schemaId} ${JSON.stringify(id)}`);
}

/** The plan of a list, limited to the parent of a long path, which must exist. */
export async function limitToParent<Plan extends { readonly query: ListQuery; readonly selection: Selection }>(
  call: Work,
  plan: Plan,
): Promise<Plan> {
  if (call.ancestorIds.length === 0) return plan;
  await checkAncestors(call, call.database.reader);
  const filter = allOf([plan.query.filter, parentFilter(call)]);
  const fingerprint = `${plan.query.fingerprint}${JSON.stringify(call.ancestorIds)}`;
  return { ...plan, query: { ...plan.query, filter, fingerprint }, selection: { ...plan.selection, filter } };
}
