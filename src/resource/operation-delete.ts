import { SekishoError } from '../lib/errors.ts';
import { allOf } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource } from '../sql/types.ts';
import { checkMatch } from './etag.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import { preferenceApplied } from './prefer.ts';
import type { Answer, Call } from './types.ts';
import { lockOf, logEvent, outOfReach, parseWishes, storedTag, storedVersion, transact } from './write.ts';

/** `DELETE` of a resource, with the rows that go by cascade; each of them has its event. */
export async function remove(call: Call): Promise<Answer> {
  const { models, identity, type, id } = call;
  const wishes = parseWishes(call, '');
  const permit = models.access.permit(identity, 'delete', type, id);
  return await transact(call, 'delete', wishes, async (session) => {
    if (call.ancestorIds.length > 0) await checkAncestors(call, session);
    const filter = allOf([models.access.reach(permit, type), parentFilter(call)]);
    const stored = await session.fetch(type, id, { filter, embed: false, lock: lockOf(type, 'delete') });
    if (stored === undefined) throw await outOfReach(call, session, 'delete');
    checkMatch(wishes.ifMatch, wishes.ifMatch === undefined ? undefined : storedTag(call, stored));
    const key = stored['id'] ?? id;
    const gone: { readonly type: ResourceType; readonly resource: Resource; readonly version: number }[] = [];
    for (const row of [...(await session.cascade(type, key)).toReversed(), { type, resource: stored }]) {
      const version = await storedVersion(session, row.type, row.resource['id']);
      gone.push({ ...row, version: row.type.stateVersioning ? version + 1 : 0 });
    }
    try {
      await session.delete(type, key);
    } catch (error) {
      throw stillReferred(error);
    }
    // After the rows: only then the order of the log is that of the changes.
    for (const row of gone) await logEvent(call, session, { kind: 'delete', ...row });
    return { status: 204, headers: preferenceApplied(wishes.preferences) };
  });
}

/** A reference that breaks on delete is one of others to this resource. */
function stillReferred(error: unknown): unknown {
  if (!(error instanceof SekishoError) || error.code !== 'RESOURCE_REFERENCE') return error;
  return new SekishoError('RESOURCE_CONFLICT', 'Other resources still refer to this one; delete or change them first.', {
    errors: error.errors,
    cause: error,
  });
}
