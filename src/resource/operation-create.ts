import { randomUUID } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { applyDefaults } from '../schema/defaults.ts';
import type { Resource, Session } from '../sql/types.ts';
import { checkAttachments } from './attach.ts';
import { type Body, type JsonObject, readBody, unwrapResource } from './body.ts';
import { first } from './parameters.ts';
import { checkAncestors, parentId } from './parent.ts';
import type { Answer, Call } from './types.ts';
import { validateCreate } from './validate.ts';
import { asStored, denied, logEvent, needsReadBack, parseWishes, readBack, transact, type WriteWishes, writeAnswer } from './write.ts';

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
  const resource = complete(call, permit, toDraft(call, given, wishes));
  return await transact(call, 'create', wishes, async (session) => {
    if (call.ancestorIds.length > 0) await checkAncestors(call, session);
    await checkAttachments(call, session, resource, resource);
    const stored = await insert(call, session, resource);
    return writeAnswer(call, permit, stored, wishes, 201);
  });
}

/** Inserts the row and its event row; gives the row as it is stored. What need not be read back is sent at once, without waiting for one after the other. */
async function insert(call: Call, session: Session, resource: Resource): Promise<Resource> {
  const { type } = call;
  const inserted = session.insert(type, resource);
  if (!needsReadBack(call, resource)) {
    const stored = asStored(type, resource);
    const logged = logEvent(call, session, { kind: 'create', type, resource: stored, version: 1 });
    // When the row is refused, so is its event; the row's error tells why.
    logged.catch(() => undefined);
    await inserted;
    await logged;
    return stored;
  }
  await inserted;
  const key = resource['id'] ?? (await countedId(call, session));
  const stored = await readBack(call, session, key, { ...resource, ...(key !== undefined && { id: key }) });
  await logEvent(call, session, { kind: 'create', type, resource: stored, version: 1 });
  return stored;
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

function toIntegerId(id: string): number | string {
  const number = Number(id);
  return /^-?\d+$/.test(id) && Number.isSafeInteger(number) ? number : id;
}

/** Checks the draft against permit and schema, and adds owner, id and defaults. */
function complete(call: Call, permit: Permit, draft: Record<string, unknown>): Resource {
  const { type } = call;
  const hidden = permit.hiddenKey(call.id === undefined ? draft : withoutId(draft));
  if (hidden !== undefined) throw denied(`${hidden} is prohibited for this user`);
  const own = { ...draft, ...owner(call, draft) };
  const foreign = permit.checkOwner(type, own);
  if (foreign !== undefined) throw denied(foreign);
  const broken = permit.checkCreate(draft);
  if (broken !== undefined) throw denied(broken);
  const key = newId(call, own['id']);
  const whole = key === undefined ? withoutId(own) : { ...own, id: key };
  // What is filled in need not be writable for the caller.
  const isChecked = (name: string): boolean => name in draft || type.propertyByName.get(name)?.mayCreate !== false;
  validateCreate(type, Object.fromEntries(Object.entries(whole).filter(([name]) => isChecked(name))));
  const resource = applyDefaults(type, whole);
  if (!permit.admits(type, resource)) throw denied('The resource would be out of reach of the policy that permits its creation.');
  return resource;
}

function withoutId({ id: _id, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

/** Tenant and domain of the caller, where the schema has them and the body does not give them. */
function owner({ models, identity, type }: Call, draft: JsonObject): Record<string, unknown> {
  const { ownsTenant, ownsDomain } = models.planOf(type);
  const filled: Record<string, unknown> = {};
  if (ownsTenant && isAbsent(draft['tenant_id'])) {
    if (identity.scope === 'domain') throw invalid('/tenant_id', 'A non-empty tenant_id should be provided in the request');
    filled['tenant_id'] = identity.tenantId;
  }
  if (ownsDomain && isAbsent(draft['domain_id'])) filled['domain_id'] = identity.domainId;
  return filled;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === '';
}

/** The id of the body, a new one for texts, or undefined when the database counts. */
function newId({ models, type }: Call, given: unknown): unknown {
  if (given === '.' || given === '..') throw invalid('/id', `id: found "${given}", which no path can name`);
  if (!isAbsent(given)) return given;
  const property = models.planOf(type).idProperty;
  if (property?.type !== 'string') return undefined;
  const id = randomUUID();
  return property.format === 'non-hyph-uuid' ? id.replaceAll('-', '') : id;
}

const LAST_ID = {
  sqlite3: 'SELECT last_insert_rowid() AS id',
  postgresql: 'SELECT lastval() AS id',
  mysql: 'SELECT last_insert_id() AS id',
} as const;

/** The key that the database gave to the row inserted last; undefined when the type has none. */
async function countedId({ database, type }: Call, session: Session): Promise<unknown> {
  if (!type.propertyByName.has('id')) return undefined;
  const [row] = await session.query(LAST_ID[database.kind], []);
  const id = row?.['id'];
  return typeof id === 'bigint' || typeof id === 'string' ? toIntegerId(String(id)) : id;
}

function invalid(pointer: string, detail: string): SekishoError {
  return new SekishoError('RESOURCE_INVALID', detail, { errors: [{ pointer, detail }] });
}
