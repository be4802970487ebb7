import type { Permit } from '../policy/types.ts';
import { allOf } from '../schema/filter.ts';
import type { Resource, Session } from '../sql/types.ts';
import { checkAttachments } from './attach.ts';
import type { JsonObject } from './body.ts';
import { afterWrite, beforeWrite, type Change } from './change.ts';
import { takeResource } from './events.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import type { Work } from './types.ts';
import { validateUpdate } from './validate.ts';
import { denied, lockOf, logUpdate, outOfReach, readBack, storedVersion } from './write.ts';

/** The keys of a body that count. Throws POLICY_DENIED for hidden ones and foreign owners. */
export function toGiven({ type }: Pick<Work, 'type'>, permit: Permit, body: JsonObject): JsonObject {
  const given: Record<string, unknown> = { ...body };
  for (const name of ['tenant_name', 'domain_name']) if (!type.propertyByName.has(name)) delete given[name];
  const hidden = permit.hiddenKey(given);
  if (hidden !== undefined) throw denied(`${hidden} is prohibited for this user`);
  const foreign = 'tenant_id' in given || 'domain_id' in given ? permit.checkOwner(type, given) : undefined;
  if (foreign !== undefined) throw denied(foreign);
  return given;
}

/** What a body sets, as `pre_update` leaves it. Handlers see the id with it, which is not part of the body unless the client sent it. */
export async function proposeUpdate({ events, id }: Work, given: JsonObject): Promise<JsonObject> {
  if (events?.handles('pre_update') !== true) return given;
  const outcome = await events.run('pre_update', { id, resource: { ...given, id: given['id'] ?? id }, response: undefined });
  const { id: leftId, ...left } = takeResource('pre_update', outcome);
  return 'id' in given ? { ...left, id: leftId } : left;
}

/** The row that an update changes, locked; refused when it is not in the permit's reach. */
export async function fetchForUpdate(work: Work, permit: Permit, session: Session): Promise<Resource> {
  const { type, id } = work;
  if (work.ancestorIds.length > 0) await checkAncestors(work, session);
  const filter = allOf([work.models.access.reach(permit, type), parentFilter(work)]);
  const stored = await session.fetch(type, id, { filter, embed: false, lock: lockOf(type, 'update') });
  if (stored === undefined) throw await outOfReach(work, session, 'update');
  return stored;
}

/** Changes that a caller wants: validate → attach → conditions → store. `given` is what conditions judge. */
export async function updateWithin(
  work: Work,
  permit: Permit,
  session: Session,
  { stored, changes, given }: { readonly stored: Resource; readonly changes: JsonObject; readonly given: JsonObject },
): Promise<Change> {
  const { type } = work;
  validateUpdate(type, stored, changes, work.models.schemas);
  // What the body leaves as it is was attached before.
  await checkAttachments(work, session, given, { ...stored, ...changes });
  const broken = permit.checkUpdate(stored, given);
  if (broken !== undefined) throw denied(broken);
  return await storeUpdate(work, session, stored, changes);
}

/** Stores changes with their events and their event row. What `pre_update_in_transaction` leaves is stored. */
export async function storeUpdate(work: Work, session: Session, stored: Resource, changes: JsonObject): Promise<Change> {
  const { type, id } = work;
  const key = stored['id'] ?? id;
  const merged = { ...stored, ...changes };
  const left = await beforeWrite(work, 'pre_update_in_transaction', merged);
  const final = left === merged ? changes : differences(stored, left, changes);
  const version = await storedVersion(session, type, key);
  if (!(await session.update(type, key, final))) throw await outOfReach(work, session, 'update');
  const resource = await readBack(work, session, key, left === merged ? merged : { ...stored, ...final });
  await logUpdate(work, session, { type, before: stored, resource, version: type.stateVersioning ? version + 1 : 0 });
  return await afterWrite(work, 'post_update_in_transaction', resource);
}

/** What is to be written of a resource that a handler left whole: what the body sets, and what the handler changed. A row keeps its id. */
function differences(stored: Resource, left: Resource, changes: JsonObject): JsonObject {
  const isChanged = (name: string): boolean => name in changes || JSON.stringify(left[name]) !== JSON.stringify(stored[name] ?? null);
  return Object.fromEntries(Object.entries(left).filter(([name]) => name !== 'id' && isChanged(name)));
}
