import type { ModelOptions } from '../host-calls.ts';
import { goText, type HandleOf, transactionOf } from './gohan-arguments.ts';
import type { Implementations } from './gohan-builtins.ts';
import type { GohanExceptions } from './gohan-exceptions.ts';
import type { RealmValues } from './gohan-realm.ts';
import { toRefusal } from './gohan-refusal.ts';
import type { MODEL_BUILTINS } from './gohan-table-database.ts';
import type { EventContext, GohanThread } from './types.ts';

/** `gohan_model_*`: what the gateway refuses is a ResourceException, what a nested handler threw an ExtensionException. */
export function modelBuiltins(
  thread: GohanThread,
  realm: RealmValues,
  exceptions: GohanExceptions,
  handleOf: HandleOf,
): Implementations<typeof MODEL_BUILTINS> {
  const chain = <T>(context: EventContext, work: (how: ModelOptions) => T): T => {
    const handle = transactionOf(context, realm, handleOf);
    try {
      return thread.withContext(context, () => work({ mode: 'gohan', ...(handle !== undefined && { transaction: handle }) }));
    } catch (error) {
      throw toRefusal(realm, exceptions, error);
    }
  };
  const dictionary = (data: unknown): Readonly<Record<string, unknown>> => {
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Readonly<Record<string, unknown>>;
    throw realm.error(`Not a dictionary: '${goText(data)}'`);
  };
  const filterOf = (filter: unknown): Readonly<Record<string, unknown>> => {
    if (filter === null || filter === undefined) return {};
    const fields = dictionary(filter);
    const isText = (value: unknown): boolean => typeof value === 'string';
    for (const value of Object.values(fields)) {
      if (!isText(value) && !(Array.isArray(value) && value.every(isText))) throw realm.error('Filter not a string nor array of strings');
    }
    return fields;
  };

  return {
    gohan_model_list: (context, schema, filter) => {
      const where = filterOf(filter);
      return chain(context, (how) => thread.call('model.list', String(schema), where, {}, how));
    },
    gohan_model_fetch: (context, schema, id, tenants) =>
      chain(context, (how) => thread.call('model.fetch', String(schema), String(id), tenantsOf(tenants), how)),
    gohan_model_create: (context, schema, data) => {
      const resource = dictionary(data);
      return chain(context, (how) => thread.call('model.create', String(schema), resource, how));
    },
    gohan_model_update: (context, schema, id, data, tenants) => {
      const changes = dictionary(data);
      return chain(context, (how) => thread.call('model.update', String(schema), String(id), changes, tenantsOf(tenants), how));
    },
    gohan_model_delete: (context, schema, id) => chain(context, (how) => thread.call('model.delete', String(schema), String(id), how)),
  };
}

/** Anything but a list of strings stands for any tenant, as in Gohan. */
function tenantsOf(tenants: unknown): { readonly tenantIds?: readonly string[] } {
  return Array.isArray(tenants) && tenants.every((tenant) => typeof tenant === 'string') ? { tenantIds: tenants } : {};
}
