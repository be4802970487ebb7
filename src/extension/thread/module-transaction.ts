import type { FetchOptions, HostCallName, HostCallTable, ListOptions, TransactionHandle } from '../host-calls.ts';

type Fields = Record<string, unknown>;

/** Asks the gateway, and gives its answer. */
export type AskGateway = <Name extends HostCallName>(
  name: Name,
  ...args: Parameters<HostCallTable[Name]>
) => Promise<ReturnType<HostCallTable[Name]>>;

/** `context.tx`: rows in the transaction that `handle` names at the time of each call. */
export function createModuleTransaction(call: AskGateway, handle: () => TransactionHandle): object {
  return {
    list: async (schemaId: string, filter: Fields = {}, options: ListOptions = {}) =>
      await call('db.list', handle(), schemaId, filter, options),
    count: async (schemaId: string, filter: Fields = {}) => await call('db.count', handle(), schemaId, filter),
    fetch: async (schemaId: string, id: string, options: FetchOptions = {}) => await call('db.fetch', handle(), schemaId, id, options),
    lock: async (schemaId: string, id: string, options: FetchOptions = {}) =>
      await call('db.fetch', handle(), schemaId, id, { lock: 'lock_related', ...options }),
    state: async (schemaId: string, id: string) => await call('db.stateFetch', handle(), schemaId, id, {}),
    create: async (schemaId: string, resource: Fields) => await call('db.create', handle(), schemaId, resource),
    update: async (schemaId: string, id: string, changes: Fields) => await call('db.update', handle(), schemaId, { ...changes, id }),
    updateState: async (schemaId: string, id: string, changes: Fields) =>
      await call('db.stateUpdate', handle(), schemaId, { ...changes, id }),
    delete: async (schemaId: string, id: string) => await call('db.delete', handle(), schemaId, id),
    query: async (sql: string, parameters: readonly unknown[] = [], schemaId?: string) =>
      await call('db.query', handle(), schemaId, sql, parameters),
    columns: async (schemaId: string) => await call('db.columns', schemaId),
  };
}
