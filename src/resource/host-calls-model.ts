import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { allOf, type Filter, TRUE } from '../schema/filter.ts';
import type { Resource, Session } from '../sql/types.ts';
import { isObject, type JsonObject } from './body.ts';
import { type Change, columnsOf, toResponse } from './change.ts';
import { createWithin, proposeCreate, storeCreate } from './change-create.ts';
import { fetchForDelete, storeDelete } from './change-delete.ts';
import { fetchForUpdate, proposeUpdate, storeUpdate, toGiven, updateWithin } from './change-update.ts';
import { takeResponse } from './events.ts';
import { parseExtensionFilter } from './extension-filter.ts';
import type { HostCalls } from './host-calls.ts';
import { toSelection } from './host-calls-database.ts';
import { type HandledList, listInTransaction, listWithEvents } from './list-events.ts';
import { mergeProperties } from './merge.ts';
import { inModelTransaction, type ModelWork, modelWorkOf } from './model-work.ts';
import { type HandledShow, showInTransaction, showWithEvents } from './show-events.ts';
import { toVisible, withoutHidden } from './show-filter.ts';
import { lockOf } from './write.ts';

/**
 * `model.*`: resources with their events. Mode `gohan` runs those inside the transaction and asks neither policy nor schema; `full` does what the REST API does
 * with a request of the caller. Where a transaction is open all of it happens in that, and of the events only those inside the transaction run: what comes
 * before and after it belongs to the request. Else it has one of its own, and `full` runs all events.
 */
export const MODEL_CALLS: HostCalls<'model'> = {
  'model.list': (context, schemaId, filter, options, how) =>
    telling('list', async () => {
      const work = modelWorkOf(context, schemaId, undefined, how);
      const { type, models, identity, mode } = work;
      const parsed = parseExtensionFilter(type, filter);
      const permit = mode === 'full' ? models.access.permit(identity, 'read', type) : undefined;
      const reach = permit === undefined ? parsed : allOf([models.access.reach(permit, type), parsed]);
      const selection = toSelection(type, reach, options);
      const read = async (session: Session) => {
        const rows = await session.list(type, selection);
        return {
          rows: permit === undefined ? rows : rows.map((row) => toVisible(models, identity, permit, type, row)),
          total: rows.length,
        };
      };
      const whole = async (): Promise<HandledList> => {
        if (permit !== undefined && work.session === undefined) return await listWithEvents(work, permit, read);
        return await inModelTransaction(context, work, 'list', (session) => listInTransaction(work, session, read));
      };
      const { response } = await whole();
      const rows = (permit === undefined ? response : withoutHidden(work, permit, response))[type.plural];
      if (Array.isArray(rows)) return rows as readonly Resource[];
      throw noAnswer(`a handler left no list under ${type.plural}`);
    }),

  'model.fetch': (context, schemaId, id, options, how) =>
    telling('fetch', async () => {
      const work = modelWorkOf(context, schemaId, id, how);
      const { type, models, identity, mode } = work;
      const permit = mode === 'full' ? models.access.permit(identity, 'read', type, id) : undefined;
      const filter = allOf([permit === undefined ? TRUE : models.access.reach(permit, type), tenantFilter(work, options)]);
      const fetch = (session: Session) => session.fetch(type, id, { filter, embed: false });
      const whole = async (): Promise<HandledShow> => {
        if (permit !== undefined && work.session === undefined) return await showWithEvents(work, permit, fetch);
        return await inModelTransaction(context, work, 'show', (session) => showInTransaction(work, session, fetch));
      };
      const { response } = await whole();
      return shown(work, permit === undefined ? response : withoutHidden(work, permit, response));
    }),

  'model.create': (context, schemaId, resource, how) =>
    telling('create', async () => {
      const work = modelWorkOf(context, schemaId, undefined, how);
      const { type, models, identity, mode } = work;
      if (mode === 'gohan') {
        const row = columnsOf(type, resource);
        return resultOf(work, await inModelTransaction(context, work, 'create', (session) => storeCreate(work, session, row)));
      }
      const permit = models.access.permit(identity, 'create', type);
      const ready = await proposeCreate(work, permit, { ...resource });
      const change = await inModelTransaction(context, work, 'create', (session) => createWithin(work, session, ready));
      return withoutHidden(work, permit, { [type.singular]: await afterModel(work, 'post_create', change) })[type.singular] as Resource;
    }),

  'model.update': (context, schemaId, id, changes, options, how) =>
    telling('update', async () => {
      const work = modelWorkOf(context, schemaId, id, how);
      const { type, models, identity, mode } = work;
      const filter = tenantFilter(work, options);
      if (mode === 'gohan') {
        const change = await inModelTransaction(context, work, 'update', async (session) => {
          const stored = await fetchLocked(work, session, filter, 'update');
          const { id: _, ...given } = columnsOf(type, changes);
          return await storeUpdate(work, session, stored, mergeProperties(stored, given, false));
        });
        return resultOf(work, change);
      }
      const permit = models.access.permit(identity, 'update', type, id);
      const proposed = await proposeUpdate(work, toGiven(work, permit, changes));
      const change = await inModelTransaction(context, work, 'update', async (session) => {
        if (filter.kind !== 'true') await fetchLocked(work, session, filter, 'update');
        const stored = await fetchForUpdate(work, permit, session);
        return await updateWithin(work, permit, session, { stored, changes: mergeProperties(stored, proposed, false), given: proposed });
      });
      return withoutHidden(work, permit, { [type.singular]: await afterModel(work, 'post_update', change) })[type.singular] as Resource;
    }),

  'model.delete': (context, schemaId, id, how) =>
    telling('delete', async () => {
      const work = modelWorkOf(context, schemaId, id, how);
      const { type, models, identity, mode, events } = work;
      const isWhole = mode === 'full' && work.session === undefined;
      const permit = mode === 'full' ? models.access.permit(identity, 'delete', type, id) : undefined;
      if (isWhole && events.handles('pre_delete')) await events.run('pre_delete', { id, resource: undefined, response: undefined });
      const removed = await inModelTransaction(context, work, 'delete', async (session) => {
        const stored =
          permit === undefined ? await fetchLocked(work, session, TRUE, 'delete') : await fetchForDelete(work, permit, session);
        await storeDelete(work, session, stored);
        return stored;
      });
      if (isWhole && events.handles('post_delete')) await events.run('post_delete', { id, resource: removed, response: undefined });
    }),
};

async function fetchLocked({ type, id }: ModelWork, session: Session, filter: Filter, action: 'update' | 'delete'): Promise<Resource> {
  const stored = await session.fetch(type, id, { filter, embed: false, lock: lockOf(type, action) });
  if (stored === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'Resource not found');
  return stored;
}

function tenantFilter({ type }: ModelWork, options: { readonly tenantIds?: readonly string[] } | undefined): Filter {
  const { tenantIds = [] } = options ?? {};
  const isLimited = tenantIds.length > 0 && type.propertyByName.has('tenant_id');
  return isLimited ? { kind: 'in', property: 'tenant_id', values: tenantIds } : TRUE;
}

/** The event after the transaction, where the call has one of its own; gives the resource as its handlers leave it. */
async function afterModel(work: ModelWork, event: string, change: Change): Promise<Resource> {
  if (work.session !== undefined || !work.events.handles(event)) return resultOf(work, change);
  const { stored, response = toResponse(work, stored) } = change;
  const outcome = await work.events.run(event, { id: stored['id'], resource: stored, response });
  return shown(work, takeResponse(event, outcome));
}

function resultOf(work: ModelWork, { stored, response = toResponse(work, stored) }: Change): Resource {
  return shown(work, response);
}

function shown({ type }: ModelWork, response: JsonObject): Resource {
  const resource = response[type.singular];
  if (isObject(resource)) return resource;
  throw noAnswer(`a handler left no object under ${type.singular}`);
}

function noAnswer(reason: string): SekishoError {
  return new SekishoError('EXTENSION_FAILED', 'An extension left what is no answer; the log has the details under this id.', {
    cause: new Error(reason),
  });
}

/** Gohan's numbers of problems, which its ResourceException has. */
const PROBLEMS: Readonly<Partial<Record<ErrorCode, number>>> = {
  QUERY_INVALID: 1,
  RESOURCE_INVALID: 2,
  RESOURCE_MALFORMED: 2,
  RESOURCE_NOT_FOUND: 3,
  IDENTITY_REQUIRED: 7,
  POLICY_DENIED: 8,
  RESOURCE_REFERENCE: 9,
};
const CONFLICTS = { list: 0, fetch: 0, delete: 4, create: 5, update: 6 } as const;

/** Errors get the number that Gohan's handlers look at; the exceptions of nested handlers stay what they are. */
async function telling<T>(action: keyof typeof CONFLICTS, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SekishoError) || 'problem' in error) throw error;
    throw Object.assign(error, { problem: error.code === 'RESOURCE_CONFLICT' ? CONFLICTS[action] : (PROBLEMS[error.code] ?? 0) });
  }
}
