import { randomUUID } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import type { Permit } from '../policy/types.ts';
import { applyDefaults } from '../schema/defaults.ts';
import type { Resource, Session } from '../sql/types.ts';
import { checkAttachments } from './attach.ts';
import type { JsonObject } from './body.ts';
import { afterWrite, beforeWrite, type Change } from './change.ts';
import { takeResource } from './events.ts';
import { checkAncestors } from './parent.ts';
import type { Work } from './types.ts';
import { validateCreate } from './validate.ts';
import { asStored, denied, logEvent, needsReadBack, readBack } from './write.ts';

/** A body that is to become a resource: checked against the permit, owned, changed by `pre_create`, validated, defaulted. */
export async function proposeCreate(work: Work, permit: Permit, draft: Record<string, unknown>): Promise<Resource> {
  const { events } = work;
  const whole = complete(work, permit, draft);
  if (events?.handles('pre_create') !== true) return finish(work, permit, draft, whole);
  const outcome = await events.run('pre_create', { id: whole['id'], resource: whole, response: undefined });
  const left = takeResource('pre_create', outcome);
  const id = newId(work, left['id']);
  return finish(work, permit, changedBy(whole, left, draft), id === undefined ? left : { ...left, id });
}

/** Stores a new resource with its events and its event row. */
export async function storeCreate(work: Work, session: Session, resource: Resource): Promise<Change> {
  const ready = await beforeWrite(work, 'pre_create_in_transaction', resource);
  return await afterWrite(work, 'post_create_in_transaction', await insert(work, session, ready));
}

/** The whole of a create in its transaction: the parents of its path exist, what it refers to may be attached, and it is stored. */
export async function createWithin(work: Work, session: Session, resource: Resource): Promise<Change> {
  if (work.ancestorIds.length > 0) await checkAncestors(work, session);
  await checkAttachments(work, session, resource, resource);
  return await storeCreate(work, session, resource);
}

/** Inserts the row and its event row; gives the row as it is stored. What need not be read back is sent at once, without waiting for one after the other. */
export async function insert(work: Work, session: Session, resource: Resource): Promise<Resource> {
  const { type } = work;
  const inserted = session.insert(type, resource);
  if (!needsReadBack(work, resource)) {
    const stored = asStored(type, resource);
    const logged = logEvent(work, session, { kind: 'create', type, resource: stored, version: 1 });
    // When the row is refused, so is its event; the row's error tells why.
    logged.catch(() => undefined);
    await inserted;
    await logged;
    return stored;
  }
  await inserted;
  const key = resource['id'] ?? (await countedId(work, session));
  const stored = await readBack(work, session, key, { ...resource, ...(key !== undefined && { id: key }) });
  await logEvent(work, session, { kind: 'create', type, resource: stored, version: 1 });
  return stored;
}

export function toIntegerId(id: string): number | string {
  const number = Number(id);
  return /^-?\d+$/.test(id) && Number.isSafeInteger(number) ? number : id;
}

/** Checks the draft against the permit, and adds owner and id. */
function complete(work: Work, permit: Permit, draft: Record<string, unknown>): Resource {
  const { type } = work;
  const hidden = permit.hiddenKey(work.id === undefined ? draft : withoutId(draft));
  if (hidden !== undefined) throw denied(`${hidden} is prohibited for this user`);
  const own = { ...draft, ...owner(work, draft) };
  const foreign = permit.checkOwner(type, own);
  if (foreign !== undefined) throw denied(foreign);
  const broken = permit.checkCreate(draft);
  if (broken !== undefined) throw denied(broken);
  const key = newId(work, own['id']);
  return key === undefined ? withoutId(own) : { ...own, id: key };
}

/** Validates what clients and handlers gave, and adds defaults. What is filled in need not be writable for the caller. */
function finish({ type, models }: Work, permit: Permit, given: JsonObject, whole: Resource): Resource {
  const isChecked = (name: string): boolean => name in given || type.propertyByName.get(name)?.mayCreate !== false;
  validateCreate(type, Object.fromEntries(Object.entries(whole).filter(([name]) => isChecked(name))), models.schemas);
  const resource = applyDefaults(type, whole);
  if (!permit.admits(type, resource)) throw denied('The resource would be out of reach of the policy that permits its creation.');
  return resource;
}

/** What the body had or a handler changed: as in Gohan, a handler of `pre_create` keeps the rules of the body. */
function changedBy(before: Resource, after: Resource, draft: JsonObject): JsonObject {
  const changed = Object.entries(after).filter(([name, value]) => name in draft || JSON.stringify(value) !== JSON.stringify(before[name]));
  return Object.fromEntries(changed);
}

function withoutId({ id: _id, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

/** Tenant and domain of the caller, where the schema has them and the body does not give them. */
function owner({ models, identity, type }: Work, draft: JsonObject): Record<string, unknown> {
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
function newId({ models, type }: Work, given: unknown): unknown {
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
async function countedId({ database, type }: Work, session: Session): Promise<unknown> {
  if (!type.propertyByName.has('id')) return undefined;
  const [row] = await session.query(LAST_ID[database.kind], []);
  const id = row?.['id'];
  return typeof id === 'bigint' || typeof id === 'string' ? toIntegerId(String(id)) : id;
}

function invalid(pointer: string, detail: string): SekishoError {
  return new SekishoError('RESOURCE_INVALID', detail, { errors: [{ pointer, detail }] });
}
