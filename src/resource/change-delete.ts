import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { allOf } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import type { Work } from './types.ts';
import { lockOf, logEvent, outOfReach, storedVersion } from './write.ts';

/** The row that a delete removes, locked; refused when it is not in the permit's reach. */
export async function fetchForDelete(work: Work, permit: Permit, session: Session): Promise<Resource> {
  const { models, type, id } = work;
  if (work.ancestorIds.length > 0) await checkAncestors(work, session);
  const filter = allOf([models.access.reach(permit, type), parentFilter(work)]);
  const stored = await session.fetch(type, id, { filter, embed: false, lock: lockOf(type, 'delete') });
  if (stored === undefined) throw await outOfReach(work, session, 'delete');
  return stored;
}

/** Removes a row with its events, and those that go by cascade; each of them has its event row. */
export async function storeDelete(work: Work, session: Session, stored: Resource): Promise<void> {
  const { id, events } = work;
  const fields = { id: stored['id'] ?? id, resource: stored, response: undefined };
  if (events?.handles('pre_delete_in_transaction') === true) await events.run('pre_delete_in_transaction', fields);
  await removeRow(work, session, stored);
  if (events?.handles('post_delete_in_transaction') === true) await events.run('post_delete_in_transaction', fields);
}

/** Removes a row without events of extensions. */
export async function removeRow(work: Pick<Work, 'models' | 'type' | 'id'>, session: Session, stored: Resource): Promise<void> {
  const { type, id } = work;
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
  for (const row of gone) await logEvent(work, session, { kind: 'delete', ...row });
}

/** A reference that breaks on delete is one of others to this resource. */
function stillReferred(error: unknown): unknown {
  if (!(error instanceof SekishoError) || error.code !== 'RESOURCE_REFERENCE') return error;
  return new SekishoError('RESOURCE_CONFLICT', 'Other resources still refer to this one; delete or change them first.', {
    errors: error.errors,
    cause: error,
  });
}
