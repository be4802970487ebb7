import type { TransactionHandle } from '../host-calls.ts';
import type { Implementations } from './gohan-builtins.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { DATABASE_BUILTINS } from './gohan-table-database.ts';
import type { GohanTransactions } from './gohan-transactions.ts';
import type { GohanThread } from './types.ts';

const LOCKS = ['lock_related', 'skip_related'] as const;

/** `gohan_db_*`: they throw an Error with Gohan's text, `Error during gohan_db_fetch: resource not found`. */
export function databaseBuiltins(
  thread: GohanThread,
  realm: RealmValues,
  transactions: GohanTransactions,
): Implementations<typeof DATABASE_BUILTINS> {
  const during = <T>(name: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!isHostCallError(error) || isFinal(error)) throw error;
      if (error.code === 'EXTENSION_SCHEMA') throw realm.error(error.message, error);
      throw realm.error(`Error during ${name}: ${error.code === 'RESOURCE_NOT_FOUND' ? 'resource not found' : error.message}`, error);
    }
  };
  const lockOf = (policy: number): { readonly lock: (typeof LOCKS)[number] } => {
    const lock = LOCKS[policy];
    if (lock === undefined) throw realm.error(`Unknown lock policy ${policy}: 0 locks related rows too, 1 skips them`);
    return { lock };
  };
  const list = (
    name: string,
    [tx, schema, filter, orderKey, limit, offset]: readonly [
      TransactionHandle,
      string,
      Readonly<Record<string, unknown>>,
      string,
      number,
      number,
    ],
    lock: { readonly lock?: (typeof LOCKS)[number] },
  ): unknown =>
    during(name, () =>
      thread.call('db.list', tx, schema, filter, {
        ...(orderKey !== '' && { orderKey }),
        ...(limit > 0 && { limit }),
        ...(offset > 0 && { offset }),
        ...lock,
      }),
    );
  const tenant = (tenantId: string): { readonly tenantId?: string } => (tenantId === '' ? {} : { tenantId });

  return {
    gohan_db_transaction(isolation) {
      try {
        return transactions.begin(isolation);
      } catch (error) {
        if (!isHostCallError(error) || isFinal(error)) throw error;
        throw realm.error(`failed to start a transaction: ${error.message}`, error);
      }
    },
    gohan_db_list: (...args) => list('gohan_db_list', args, {}),
    gohan_db_lock_list: (...[tx, schema, filter, key, limit, offset, policy]) =>
      list('gohan_db_lock_list', [tx, schema, filter, key, limit, offset], lockOf(policy)),
    gohan_db_fetch: (tx, schema, id, tenantId) => during('gohan_db_fetch', () => thread.call('db.fetch', tx, schema, id, tenant(tenantId))),
    gohan_db_lock_fetch: (tx, schema, id, tenantId, policy) =>
      during('gohan_db_lock_fetch', () => thread.call('db.fetch', tx, schema, id, { ...tenant(tenantId), ...lockOf(policy) })),
    gohan_db_state_fetch: (tx, schema, id, tenantId) =>
      during('gohan_db_state_fetch', () => thread.call('db.stateFetch', tx, schema, id, tenant(tenantId))),
    gohan_db_create: (tx, schema, resource) => during('gohan_db_create', () => thread.call('db.create', tx, schema, resource)),
    gohan_db_update: (tx, schema, resource) => during('gohan_db_update', () => thread.call('db.update', tx, schema, resource)),
    gohan_db_state_update: (tx, schema, resource) =>
      during('gohan_db_state_update', () => thread.call('db.stateUpdate', tx, schema, resource)),
    gohan_db_delete(tx, schema, id) {
      during('gohan_db_delete', () => thread.call('db.delete', tx, schema, id));
      return null;
    },
    gohan_db_query: (tx, schema, sql, parameters) => during('gohan_db_query', () => thread.call('db.query', tx, schema, sql, parameters)),
    gohan_db_sql_make_columns: (schema) =>
      during('gohan_db_sql_make_columns', () => realm.copy(splitColumns(thread.call('db.columns', schema)))),
  };
}

/** The select list as scripts join it. Names of properties have no commas. */
function splitColumns(list: string): readonly string[] {
  return list.split(',').map((column) => column.trim());
}
