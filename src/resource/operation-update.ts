import { SekishoError } from '../lib/errors.ts';
import { TRUE } from '../schema/filter.ts';
import type { Session } from '../sql/types.ts';
import { type Body, readBody, unwrapResource } from './body.ts';
import { fetchForUpdate, proposeUpdate, toGiven, updateWithin } from './change-update.ts';
import { checkMatch } from './etag.ts';
import { applyJsonPatch } from './json-patch.ts';
import { mergeProperties } from './merge.ts';
import { createFrom } from './operation-create.ts';
import { toVisible } from './show-filter.ts';
import type { Answer, Call } from './types.ts';
import { answerWrite, parseWishes, storedTag, type WriteWishes } from './write.ts';

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

/** Authorise → `pre_update` → transaction: reach → precondition → change → validate → attach → conditions → write. */
async function updateFrom(call: Call, body: Body, wishes: WriteWishes): Promise<Answer> {
  const { models, identity, type, id } = call;
  const permit = models.access.permit(identity, 'update', type, id);
  const isPatch = body.kind === 'json-patch';
  const given = isPatch ? {} : toGiven(call, permit, unwrapResource(body.value, type.singular));
  return await answerWrite(call, permit, wishes, {
    operation: 'update',
    status: 200,
    given: isPatch ? body.value : given,
    prepare: () => proposeUpdate(call, given),
    async store(session, proposed) {
      const stored = await fetchForUpdate(call, permit, session);
      if (wishes.ifNoneMatch?.trim() === '*')
        throw new SekishoError('RESOURCE_PRECONDITION', 'If-None-Match asks for a new resource; there is one.');
      checkMatch(wishes.ifMatch, wishes.ifMatch === undefined ? undefined : storedTag(call, stored));
      const own = mergeProperties(stored, proposed, body.kind === 'merge-patch');
      if (!isPatch) return await updateWithin(call, permit, session, { stored, changes: own, given: proposed });
      const patched = toGiven(call, permit, applyJsonPatch(toVisible(models, identity, permit, type, stored), body.value));
      const changes = { ...patched, ...own };
      return await updateWithin(call, permit, session, { stored, changes, given: changes });
    },
  });
}
