import { fetchForDelete, storeDelete } from './change-delete.ts';
import { checkMatch } from './etag.ts';
import { preferenceApplied } from './prefer.ts';
import type { Answer, Call } from './types.ts';
import { beforeEvents, parseWishes, storedTag, transact } from './write.ts';

/** `DELETE` of a resource, with the rows that go by cascade; each of them has its event row. */
export async function remove(call: Call): Promise<Answer> {
  const { models, identity, type, id, events } = call;
  const wishes = parseWishes(call, '');
  const permit = models.access.permit(identity, 'delete', type, id);
  const known = await beforeEvents(call, permit, wishes, {});
  if (known !== undefined) return known;
  // As in Gohan it runs whatever the id names.
  if (events?.handles('pre_delete') === true) await events.run('pre_delete', { id, resource: undefined, response: undefined });
  let made: Answer | undefined;
  let removed: Readonly<Record<string, unknown>> | undefined;
  const answer = await transact(call, 'delete', wishes, async (session) => {
    const stored = await fetchForDelete(call, permit, session);
    checkMatch(wishes.ifMatch, wishes.ifMatch === undefined ? undefined : storedTag(call, stored));
    await storeDelete(call, session, stored);
    removed = stored;
    return (made = { status: 204, headers: preferenceApplied(wishes.preferences) });
  });
  if (answer !== made || wishes.validateOnly || events?.handles('post_delete') !== true) return answer;
  await events.run('post_delete', { id, resource: removed, response: undefined });
  return answer;
}
