import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { allOf } from '../schema/filter.ts';
import { SHAPE_PARAMETERS } from '../schema/query-parameters.ts';
import type { Resource, Selection } from '../sql/types.ts';
import { entityTag, isFresh } from './etag.ts';
import { permitFields } from './event-fields.ts';
import type { Events } from './events.ts';
import { fieldValue } from './fields.ts';
import { parseParameters, refuseUnknown } from './parameters.ts';
import { checkAncestors, parentFilter } from './parent.ts';
import { parseShape } from './query.ts';
import { showWithEvents } from './show-events.ts';
import { toFields, toVisible } from './show-filter.ts';
import type { Answer, Call } from './types.ts';

/** The selection of a plain show, one object per permit. */
const selections = new WeakMap<Permit, Map<string, Selection>>();

/** `GET` of one resource; 304 when the client has it already. */
export async function show(call: Call): Promise<Answer> {
  const { type, id, models, identity, exchange, database } = call;
  const permit = models.access.permit(identity, 'read', type, id);
  const { fields, selection } = planShow(call, permit);
  if (call.events !== undefined) return await showHandled({ ...call, events: call.events }, permit, fields, selection);
  if (call.ancestorIds.length > 0) await checkAncestors(call, database.reader);
  const found = await database.reader.fetch(type, id, selection);
  if (found === undefined) throw notFound();
  const visible = toVisible(models, identity, permit, type, found);
  const resource = fields === undefined ? visible : toFields(models, type, visible, fields);
  const text = JSON.stringify(resource);
  const tag = tagOf(call, resource, text, fields === undefined);
  const headers = ['ETag', tag];
  if (isFresh(fieldValue(exchange.headers, 'if-none-match'), tag)) return { status: 304, headers };
  return { status: 200, headers, body: `{${JSON.stringify(type.singular)}:${text}}` };
}

/** A resource with handlers. `_fields` picks before they run. */
async function showHandled(
  call: Call & { readonly events: Events },
  permit: Permit,
  fields: readonly string[] | undefined,
  selection: Selection,
): Promise<Answer> {
  const { type, id, models, identity, exchange, secrets } = call;
  call.events.tell(permitFields(models, identity, permit));
  let visible: Resource | undefined;
  const { response } = await showWithEvents(call, permit, async (session) => {
    if (call.ancestorIds.length > 0) await checkAncestors(call, session);
    const found = await session.fetch(type, id, selection);
    if (found === undefined) return undefined;
    visible = toVisible(models, identity, permit, type, found);
    return fields === undefined ? found : toFields(models, type, visible, fields);
  });
  const body = JSON.stringify(response);
  // What a write compares is the stored resource, whatever handlers show of it.
  const stored = visible && fields === undefined ? JSON.stringify(withoutEmbeds(visible, models.planOf(type).embeds)) : undefined;
  const tag = entityTag(secrets.tagKey, stored, body);
  if (isFresh(fieldValue(exchange.headers, 'if-none-match'), tag)) return { status: 304, headers: ['ETag', tag] };
  return { status: 200, headers: ['ETag', tag], body };
}

function planShow(call: Call, permit: Permit): { readonly fields: readonly string[] | undefined; readonly selection: Selection } {
  const { type, models, exchange, ancestorIds } = call;
  if (exchange.query === '' && ancestorIds.length === 0) {
    let known = selections.get(permit);
    if (known === undefined) selections.set(permit, (known = new Map()));
    let selection = known.get(type.id);
    if (selection === undefined) known.set(type.id, (selection = { filter: models.access.reach(permit, type), embed: true }));
    return { fields: undefined, selection };
  }
  const parameters = parseParameters(exchange.query);
  const known = [...Object.keys(SHAPE_PARAMETERS), ...(type.parentProperty === undefined ? [] : [type.parentProperty])];
  refuseUnknown(parameters, (name) => known.includes(name), known);
  const { fields, embed } = parseShape(models, type, permit, parameters);
  return { fields, selection: { filter: allOf([models.access.reach(permit, type), parentFilter(call)]), embed } };
}

export function notFound(): SekishoError {
  return new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found');
}

/** The tag of an answer that shows `resource`, whose JSON is `text`. `isWhole`: all stored properties that the caller sees are in it. */
export function tagOf({ models, type, secrets }: Call, resource: Resource, text: string, isWhole: boolean): string {
  if (!isWhole) return entityTag(secrets.tagKey, undefined, text);
  const { embeds } = models.planOf(type);
  if (!embeds.some(({ name }) => resource[name] !== undefined)) return entityTag(secrets.tagKey, text);
  return entityTag(secrets.tagKey, JSON.stringify(withoutEmbeds(resource, embeds)), text);
}

/** The stored properties alone. */
export function withoutEmbeds(resource: Resource, embeds: readonly { readonly name: string }[]): Resource {
  if (embeds.length === 0) return resource;
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !embeds.some((embed) => embed.name === name)));
}
