import type { FetchOptions, ListOptions, TransactionHandle } from '../extension/host-calls.ts';
import { SekishoError } from '../lib/errors.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { allOf, type Filter, TRUE } from '../schema/filter.ts';
import type { IsolationLevel, ResourceType } from '../schema/types.ts';
import type { Resource, Selection, Session } from '../sql/types.ts';
import { columnsOf } from './change.ts';
import { insert } from './change-create.ts';
import { removeRow } from './change-delete.ts';
import { parseExtensionFilter } from './extension-filter.ts';
import type { HostCalls, HostContext } from './host-calls.ts';
import { fromRecord } from './record.ts';
import { inSavepoint } from './savepoint.ts';
import { isolationOf } from './transaction.ts';
import { typeOf } from './type-of.ts';
import type { Work } from './types.ts';
import { logUpdate, readBack, storedVersion } from './write.ts';

const LEVELS: readonly IsolationLevel[] = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];

/** `db.*`: rows without events, validation or policy. Writes leave event rows as those of the REST API do. */
export const DATABASE_CALLS: HostCalls<'db'> = {
  'db.begin': ({ life, caller }, isolation) => life.own.begin(caller.depth, toIsolation({ life, caller }, isolation), caller.signal),
  'db.commit': ({ life }, transaction) => life.own.commit(transaction),
  'db.close': ({ life }, transaction) => life.own.close(transaction),

  'db.list'(context, transaction, schemaId, filter, options) {
    const type = typeOf(context.life.models.schemas, schemaId);
    const selection = toSelection(type, parseExtensionFilter(type, filter), options);
    return reading(context, transaction, selection.lock !== undefined, (session) => session.list(type, selection));
  },
  'db.count'(context, transaction, schemaId, filter) {
    const type = typeOf(context.life.models.schemas, schemaId);
    const parsed = parseExtensionFilter(type, filter);
    return reading(context, transaction, false, (session) => session.count(type, parsed));
  },
  'db.fetch'(context, transaction, schemaId, id, options) {
    const type = typeOf(context.life.models.schemas, schemaId);
    return reading(context, transaction, options?.lock !== undefined, (session) => fetchRow(session, type, id, options));
  },
  async 'db.stateFetch'(context, transaction, schemaId, id, options) {
    const type = typeOf(context.life.models.schemas, schemaId);
    if (!type.stateVersioning) throw new SekishoError('RESOURCE_NOT_FOUND', `${schemaId} has no state: metadata.state_versioning is off`);
    const row = await reading(context, transaction, options?.lock !== undefined, (session) =>
      fetchRow(session, type, id, options, ['config_version', 'state_version', 'state_error', 'state', 'state_monitoring']),
    );
    return {
      config_version: row['config_version'],
      state_version: row['state_version'],
      error: row['state_error'] ?? '',
      state: row['state'] ?? '',
      monitoring: row['state_monitoring'] ?? '',
    };
  },

  'db.create'(context, transaction, schemaId, resource) {
    const work = workOf(context, schemaId);
    const row = applyDefaults(work.type, columnsOf(work.type, resource));
    return writing(context, transaction, (session) => insert(work, session, row));
  },
  'db.update': (context, transaction, schemaId, resource) =>
    writing(context, transaction, (session) => updateRow(workOf(context, schemaId), session, resource, true)),
  'db.stateUpdate': (context, transaction, schemaId, resource) =>
    writing(context, transaction, (session) => updateRow(workOf(context, schemaId), session, resource, false)),
  'db.delete'(context, transaction, schemaId, id) {
    const work = { ...workOf(context, schemaId), id };
    return writing(context, transaction, async (session) => removeRow(work, session, await fetchRow(session, work.type, id, undefined)));
  },
  async 'db.query'(context, transaction, schemaId, sql, parameters) {
    const type = schemaId === undefined || schemaId === null || schemaId === '' ? undefined : typeOf(context.life.models.schemas, schemaId);
    const run = (session: Session): Promise<readonly Resource[]> => session.query(sql, parameters ?? []);
    // Only what surely reads may do without a transaction.
    const rows = /^\s*select\b/i.test(sql) ? await reading(context, transaction, false, run) : await writing(context, transaction, run);
    return rows.map((row) => fromRecord(type, row));
  },
  'db.columns'({ life }, schemaId) {
    const { table, properties } = typeOf(life.models.schemas, schemaId);
    const quote = life.database.kind === 'postgresql' ? '"' : '`';
    // As Gohan writes it: the table is its own alias.
    return properties.map(({ name }) => `${table}.${quote}${name}${quote} as ${quote}${table}__${name}${quote}`).join(', ');
  },
};

/** Reads in the transaction that the handle names; without one from the database as it is, or, to lock, in one of its own. */
export function reading<T>(
  { life, caller }: HostContext,
  transaction: TransactionHandle | undefined,
  isLocking: boolean,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = sessionOf({ life, caller }, transaction);
  if (session !== undefined) return life.inTurn(caller.depth, () => inSavepoint(life.database.kind, session, false, () => work(session)));
  if (!isLocking) return work(life.database.reader);
  return life.inTurn(caller.depth, () => life.own.run('REPEATABLE READ', caller.signal, work));
}

/** Writes in the transaction that the handle names; without one in one of its own. */
function writing<T>(
  { life, caller }: HostContext,
  transaction: TransactionHandle | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = sessionOf({ life, caller }, transaction);
  // One behind the other: SQLite has one writer.
  if (session === undefined) return life.inTurn(caller.depth, () => life.own.run('SERIALIZABLE', caller.signal, work));
  return life.inTurn(caller.depth, () => inSavepoint(life.database.kind, session, false, () => work(session)));
}

/** The transaction that a handle names; undefined without one. EXTENSION_TRANSACTION when it is not open. */
export function sessionOf({ life, caller }: HostContext, transaction: TransactionHandle | undefined): Session | undefined {
  if (transaction === null || transaction === undefined) return undefined;
  if (transaction !== 'request') return life.own.sessionOf(transaction);
  const session = life.sessionOf(caller.depth);
  if (session !== undefined) return session;
  throw new SekishoError(
    'EXTENSION_TRANSACTION',
    `Transaction: none is open in ${caller.event}; events named …_in_transaction have one, others begin their own.`,
  );
}

/** What writes of rows need to know, without events. */
export function workOf({ life }: HostContext, schemaId: string): Work {
  const { models, database, identity } = life;
  return { models, database, identity, type: typeOf(life.models.schemas, schemaId), id: undefined, ancestorIds: [], events: undefined };
}

async function updateRow(work: Work, session: Session, resource: Resource, isLogged: boolean): Promise<Resource> {
  const { type } = work;
  const { id, ...given } = resource;
  // Locked, so that its version is the one that the update counts on from.
  const before = await fetchRow(session, type, id, { lock: 'skip_related' });
  const version = await storedVersion(session, type, id);
  const changes = isLogged ? columnsOf(type, given) : { ...stateOf(type, given), ...columnsOf(type, given) };
  // A state is no change of the configuration: its version stays.
  const kept = !isLogged && type.stateVersioning && !('config_version' in changes) ? { config_version: version } : {};
  if (!(await session.update(type, id, { ...changes, ...kept }))) throw notFound();
  const row = await fetchRow(session, type, id, undefined);
  const stored = await readBack(work, session, id, row);
  if (isLogged) await logUpdate(work, session, { type, before, resource: stored, version: type.stateVersioning ? version + 1 : 0 });
  return stored;
}

function stateOf(type: ResourceType, given: Resource): Resource {
  const names = ['config_version', 'state_version', 'state_error', 'state', 'state_monitoring'];
  return type.stateVersioning ? Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name))) : {};
}

async function fetchRow(
  session: Session,
  type: ResourceType,
  id: unknown,
  options: FetchOptions | undefined,
  fields?: readonly string[],
): Promise<Resource> {
  const { tenantId, lock } = options ?? {};
  const filter: Filter =
    tenantId !== undefined && tenantId !== '' && type.propertyByName.has('tenant_id')
      ? { kind: 'in', property: 'tenant_id', values: [tenantId] }
      : TRUE;
  const found = await session.fetch(type, id, {
    filter,
    embed: false,
    ...(fields !== undefined && { fields }),
    ...(lock !== undefined && { lock }),
  });
  if (found === undefined) throw notFound();
  return found;
}

/** A list that an extension asks for, as the database is asked for it. */
export function toSelection(type: ResourceType, filter: Filter, options: ListOptions | undefined): Selection {
  const { orderKey, descending = false, limit, offset, lock } = options ?? {};
  if (orderKey !== undefined && orderKey !== '' && !type.propertyByName.has(orderKey))
    throw new SekishoError('QUERY_INVALID', `Schema ${type.id} has no property ${orderKey} which can used as sorting key`);
  return {
    filter: allOf([filter]),
    embed: false,
    ...(orderKey !== undefined && orderKey !== '' && { sort: [{ property: orderKey, descending }] }),
    ...(isCount(limit) && { limit }),
    ...(isCount(offset) && { offset }),
    ...(lock !== undefined && { lock }),
  };
}

function isCount(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function toIsolation({ life, caller }: HostContext, wanted: string | undefined): IsolationLevel {
  if (wanted !== undefined && wanted !== null && wanted !== '') {
    const level = LEVELS.find((name) => name === wanted.toUpperCase());
    if (level !== undefined) return level;
    throw new SekishoError(
      'EXTENSION_TRANSACTION',
      `Transaction: ${JSON.stringify(wanted)} is no isolation level; expected one of ${LEVELS.join(', ')}.`,
    );
  }
  const type = life.models.schemas.resources.get(caller.environment);
  return type === undefined ? 'SERIALIZABLE' : isolationOf(type, caller.event);
}

function notFound(): SekishoError {
  return new SekishoError('RESOURCE_NOT_FOUND', 'resource not found');
}
