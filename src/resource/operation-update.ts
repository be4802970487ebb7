import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { allOf, TRUE } from '../schema/filter.ts';
import type { Resource, Session } from '../sql/types.ts';
import { checkAttachments } from './attach.ts';
import { type Body, type JsonObject, readBody, unwrapResource } from './body.ts';
import { checkMatch } from './etag.ts';
import { applyJsonPatch } from './json-patch.ts';
import { mergeProperties } from './merge.ts';
import { createFrom } from './operation-create.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import { toVisible } from './show-filter.ts';
import type { Answer, Call } from './types.ts';
import { validateUpdate } from './validate.ts';
import {
  denied,
  lockOf,
  logEvent,
  outOfReach,
  parseWishes,
  readBack,
  storedTag,
  storedVersion,
  transact,
  type WriteWishes,
  writeAnswer,
} from './write.ts';

/** `PUT` of a resource: merges into the one that there is, or creates it under this id. */
export async function put(call: Call): Promise<Answer> {
  const body = await readBody(call.exchange, call.limits.maxBodyBytes);
  if (body.kind === 'json-patch')
    throw new SekishoError('RESOURCE_MALFORMED', 'Failed to parse data: a JSON Patch is sent by PATCH, not by PUT');
  unwrapResource(body.value, call.type.singular);
  const wishes = parseWishes(call, body.text);
  if (await exists(call, call.database.reader)) return await updateFrom(call, body, wishes);
  checkMatch(wishes.ifMatch, undefined);
  try {
    return await createFrom(call, body, wishes);
  } catch (error) {
    // Another one may have created it meanwhile. A transaction is asked, because it is in line behind that one, which may not have committed yet.
    if (!(error instanceof SekishoError) || error.code !== 'RESOURCE_CONFLICT') throw error;
    const isThere = await call.database.transaction((session) => exists(call, session), { isolation: 'READ COMMITTED' });
    if (!isThere) throw error;
    return await updateFrom(call, body, wishes);
  }
}

async function exists({ type, id }: Call, session: Session): Promise<boolean> {
  return (await session.fetch(type, id, { filter: TRUE, embed: false, fields: ['id'] })) !== undefined;
}

/** `PATCH` of a resource, in any of the three forms; it never creates. */
export async function patch(call: Call): Promise<Answer> {
  const body = await readBody(call.exchange, call.limits.maxBodyBytes);
  return await updateFrom(call, body, parseWishes(call, body.text));
}

/** Authorise → transaction: reach → precondition → change → validate → attach → conditions → write. */
async function updateFrom(call: Call, body: Body, wishes: WriteWishes): Promise<Answer> {
  const { models, identity, type, id } = call;
  const permit = models.access.permit(identity, 'update', type, id);
  const given = body.kind === 'json-patch' ? undefined : toGiven(call, permit, unwrapResource(body.value, type.singular));
  return await transact(call, 'update', wishes, async (session) => {
    const stored = await fetchForUpdate(call, permit, session);
    if (wishes.ifNoneMatch?.trim() === '*')
      throw new SekishoError('RESOURCE_PRECONDITION', 'If-None-Match asks for a new resource; there is one.');
    checkMatch(wishes.ifMatch, wishes.ifMatch === undefined ? undefined : storedTag(call, stored));
    const changes =
      given === undefined
        ? toGiven(call, permit, applyJsonPatch(toVisible(models, identity, permit, type, stored), body.value))
        : mergeProperties(stored, given, body.kind === 'merge-patch');
    validateUpdate(type, changes);
    const merged = { ...stored, ...changes };
    // What a body leaves as it is was attached before.
    await checkAttachments(call, session, given ?? changes, merged);
    const broken = permit.checkUpdate(stored, given ?? changes);
    if (broken !== undefined) throw denied(broken);
    const version = await storedVersion(session, type, id);
    if (!(await session.update(type, stored['id'] ?? id, changes))) throw await outOfReach(call, session, 'update');
    const resource = await readBack(call, session, stored['id'] ?? id, merged);
    await logEvent(call, session, { kind: 'update', type, resource, version: type.stateVersioning ? version + 1 : 0 });
    return writeAnswer(call, permit, resource, wishes, 200);
  });
}

/** The keys of the body that count. Throws POLICY_DENIED for hidden ones and foreign owners. */
function toGiven({ type }: Call, permit: Permit, body: JsonObject): JsonObject {
  const given: Record<string, unknown> = { ...body };
  for (const name of ['tenant_name', 'domain_name']) if (!type.propertyByName.has(name)) delete given[name];
  const hidden = permit.hiddenKey(given);
  if (hidden !== undefined) throw denied(`${hidden} is prohibited for this user`);
  const foreign = 'tenant_id' in given || 'domain_id' in given ? permit.checkOwner(type, given) : undefined;
  if (foreign !== undefined) throw denied(foreign);
  return given;
}

async function fetchForUpdate(call: Call, permit: Permit, session: Session): Promise<Resource> {
  const { type, id } = call;
  if (call.ancestorIds.length > 0) await checkAncestors(call, session);
  const filter = allOf([permit.rowFilter(type), parentFilter(call)]);
  const stored = await session.fetch(type, id, { filter, embed: false, lock: lockOf(type, 'update') });
  if (stored === undefined) throw await outOfReach(call, session, 'update');
  return stored;
}
