import { type Body, type JsonObject, readBody, unwrapResource } from './body.ts';
import { createWithin, proposeCreate, toIntegerId } from './change-create.ts';
import { first } from './parameters.ts';
import { parentId } from './parent.ts';
import type { Answer, Call } from './types.ts';
import { answerWrite, parseWishes, type WriteWishes } from './write.ts';

/** `POST` of a collection. */
export async function create(call: Call): Promise<Answer> {
  const body = await readBody(call.exchange, call.limits.maxBodyBytes);
  return await createFrom(call, body, parseWishes(call, body.text));
}

/** Creates a resource from a body: authorise → own → validate → default → transaction. The id of the call, from a PUT, wins over the body's. */
export async function createFrom(call: Call, body: Body, wishes: WriteWishes): Promise<Answer> {
  const { models, identity, type } = call;
  const permit = models.access.permit(identity, 'create', type);
  const given = unwrapResource(body.value, type.singular);
  return await answerWrite(call, permit, wishes, {
    operation: 'create',
    status: 201,
    given,
    prepare: () => proposeCreate(call, permit, toDraft(call, given, wishes)),
    store: (session, resource) => createWithin(call, session, resource),
  });
}

/** The body with the ids that path and query give, without the names that Gohan's clients repeat. */
function toDraft(call: Call, given: JsonObject, { parameters }: WriteWishes): Record<string, unknown> {
  const { type, id } = call;
  const draft: Record<string, unknown> = { ...given };
  for (const name of ['tenant_name', 'domain_name']) if (!type.propertyByName.has(name)) delete draft[name];
  if (id !== undefined) draft['id'] = type.propertyByName.get('id')?.type === 'integer' ? toIntegerId(id) : id;
  const parent = type.parentProperty;
  if (parent === undefined) return draft;
  // As in Gohan the body comes first; the parent of the path must exist all the same.
  draft[parent] ??= parentId(call) ?? first(parameters, parent);
  if (draft[parent] === undefined) delete draft[parent];
  return draft;
}
