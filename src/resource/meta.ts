import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { Permit } from '../policy/types.ts';
import { allOf, FALSE, type Filter } from '../schema/filter.ts';
import { toOpenApi } from '../schema/openapi.ts';
import { groupView, schemaView, schemaViews, type ViewAccess } from '../schema/schema-view.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Database, Session } from '../sql/types.ts';
import { permitFields } from './event-fields.ts';
import { inTransaction } from './events.ts';
import { parseFilterName, parseFilters } from './filter-parameters.ts';
import { listInTransaction } from './list-events.ts';
import type { Models } from './models.ts';
import { type Parameters, parseParameters, refuseUnknown } from './parameters.ts';
import { toVisible, withoutHidden } from './show-filter.ts';
import { inOwnTransaction } from './transaction.ts';
import type { Answer, Work } from './types.ts';
import { type Told, withEvents } from './with-events.ts';

/** What the API tells about itself. */
export interface About {
  /** Version of the gateway, and of the application. */
  readonly version: string;
  readonly appVersion: string;
}

/** A request for what is not a row of a table. */
export interface MetaCall extends About, Told {
  readonly models: Models;
  readonly database: Database;
  readonly identity: Identity;
  readonly exchange: Exchange;
  readonly id: string | undefined;
}

type MetaOperation = (call: MetaCall) => Answer | Promise<Answer>;

/** The operations of the fixed paths by the name that the router gives them. */
export const META_OPERATIONS: Readonly<Record<string, MetaOperation>> = {
  schemas: listSchemas,
  schema: showSchema,
  version: ({ version, appVersion }) => json({ version, app: appVersion }),
  group: showGroup,
  all: listAll,
  openapi: showOpenApi,
};

const SCHEMAS_PATH = '/gohan/v0.1/schemas';

function listSchemas({ models, identity }: MetaCall): Answer {
  permitMeta(models, identity, SCHEMAS_PATH);
  const schemas = schemaViews(models.schemas, viewAccess(models, identity));
  return json({ schemas }, ['X-Total-Count', String(schemas.length)]);
}

/** A schema that the caller may not read is none to it. */
function showSchema({ models, identity, id = '' }: MetaCall): Answer {
  permitMeta(models, identity, `${SCHEMAS_PATH}/${id}`);
  const type = models.schemas.resources.get(id);
  const view = type && schemaView(type, viewAccess(models, identity));
  if (view === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', `Schema ${id} not found`);
  return json({ schema: view });
}

function permitMeta(models: Models, identity: Identity, path: string): void {
  const decision = models.policies.decide(identity, 'read', path);
  if (!decision.allowed) throw new SekishoError('POLICY_DENIED', decision.reason);
}

function readableTypes(models: Models, identity: Identity): readonly ResourceType[] {
  return [...models.schemas.resources.values()].filter((type) => models.access.decide(identity, 'read', type).allowed);
}

function viewAccess({ access }: Models, identity: Identity): ViewAccess {
  return {
    mayDo: (type, action) => access.decide(identity, action, type).allowed,
    seesProperty(type, action, property) {
      const decision = access.decide(identity, action, type);
      return decision.allowed && decision.permit.seesProperty(property);
    },
  };
}

/** The versions of a top-level schema group, or the collections of an inner one that the caller may read. */
function showGroup({ models, identity, id }: MetaCall): Answer {
  const group = models.schemas.groups.find((candidate) => candidate.id === id);
  if (group === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'There is no such schema group.');
  return json(groupView(models.schemas, group, (type) => models.access.decide(identity, 'read', type).allowed));
}

function showOpenApi({ models, identity, version, appVersion }: MetaCall): Answer {
  const access = viewAccess(models, identity);
  const { resources, groups } = models.schemas;
  return json(toOpenApi(resources.values(), { title: `Sekisho ${version}`, version: appVersion, access, groups }));
}

/** Rows of one type that `/_all` shows; beyond that the list of the type is to be asked. */
const MAX_ROWS = 10_000;

/** Everything that the caller may see, by table; of that what has the properties in the query. */
async function listAll(call: MetaCall): Promise<Answer> {
  const { models, identity, exchange } = call;
  const types = readableTypes(models, identity).filter(({ isMeta }) => !isMeta);
  const parameters = parseParameters(exchange.query);
  refuseUnknown(parameters, (name) => types.some((type) => parseFilterName(type, name) !== undefined), []);
  const all: Record<string, unknown> = {};
  for (const type of types) {
    const permit = models.access.permit(identity, 'read', type);
    const filter = allOf([models.access.reach(permit, type), toAllFilter(type, permit, parameters)]);
    all[type.table] = filter.kind === 'false' ? [] : await listOne(call, permit, type, filter);
  }
  return json(all);
}

/** The rows of one type. As in Gohan only the events inside the transaction run. */
async function listOne(call: MetaCall, permit: Permit, type: ResourceType, filter: Filter): Promise<unknown> {
  const { models, identity, database } = call;
  const read = (session: Session) => session.list(type, { filter, embed: false, limit: MAX_ROWS });
  const work: MetaCall & Work = { ...call, type, id: undefined, ancestorIds: [], events: undefined };
  return await withEvents(work, ['list'], call, async ({ events }) => {
    if (events === undefined || !inTransaction('list').some((event) => events.handles(event)))
      return (await read(database.reader)).map((row) => toVisible(models, identity, permit, type, row));
    events.tell(permitFields(models, identity, permit));
    const listed = { ...work, events };
    const { response } = await inOwnTransaction(listed, 'list', (session) =>
      listInTransaction(listed, session, async (own) => ({ rows: await read(own), total: undefined })),
    );
    return withoutHidden(work, permit, response)[type.plural];
  });
}

/** A row without the property that is asked for does not have its value, nor has one whose property is of another type. */
function toAllFilter(type: ResourceType, permit: Permit, parameters: Parameters): Filter {
  for (const name of parameters.keys()) if (parseFilterName(type, name) === undefined) return FALSE;
  try {
    return parseFilters(type, parameters, { sees: permit.seesProperty, searched: NOTHING, isAnyOf: false });
  } catch (error) {
    if (error instanceof SekishoError && error.code === 'QUERY_INVALID') return FALSE;
    throw error;
  }
}

const NOTHING: ReadonlySet<string> = new Set();

function json(value: unknown, headers: readonly string[] = []): Answer {
  return { status: 200, headers, body: JSON.stringify(value) };
}
