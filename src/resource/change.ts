import type { ResourceType } from '../schema/types.ts';
import type { Resource } from '../sql/types.ts';
import type { JsonObject } from './body.ts';
import { takeResource, takeResponse } from './events.ts';
import { withSeenRelations } from './show-filter.ts';
import type { Work } from './types.ts';

/** What a write did in its transaction. */
export interface Change {
  readonly stored: Resource;
  /** The whole answer as handlers inside the transaction left it; undefined where none ran. */
  readonly response: JsonObject | undefined;
}

/**
 * Runs an event before the row is written; gives what is to be written. Not validated again, as in Gohan; what a handler left beside the columns is dropped.
 */
export async function beforeWrite(work: Work, event: string, resource: Resource): Promise<Resource> {
  const { events, type, id } = work;
  if (events?.handles(event) !== true) return resource;
  const outcome = await events.run(event, { id: resource['id'] ?? id, resource, response: undefined });
  return columnsOf(type, takeResource(event, outcome));
}

/** Runs an event after the row was written. */
export async function afterWrite(work: Work, event: string, stored: Resource): Promise<Change> {
  const { events } = work;
  if (events?.handles(event) !== true) return { stored, response: undefined };
  const outcome = await events.run(event, { id: stored['id'], resource: stored, response: toResponse(work, stored) });
  return { stored, response: takeResponse(event, outcome) };
}

/** The answer that shows a resource, as handlers get it. */
export function toResponse({ models, identity, type }: Work, resource: Resource): JsonObject {
  return { [type.singular]: withSeenRelations(models, identity, type, resource) };
}

/** The properties of the type alone. */
export function columnsOf({ propertyByName }: ResourceType, resource: JsonObject): Resource {
  return Object.fromEntries(Object.entries(resource).filter(([name]) => propertyByName.has(name)));
}
