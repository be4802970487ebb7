import { randomUUID } from 'node:crypto';
import { renderTemplate } from '../template/render.ts';
import type { Implementations } from './gohan-builtins.ts';
import { unknownSchema } from './gohan-database.ts';
import { openGlobal } from './gohan-global.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { Require } from './gohan-require.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread } from './types.ts';

/** The built-ins that need little: schemas, policies, ids, waiting, templates, settings, shared objects. */
export function miscBuiltins(
  thread: GohanThread,
  realm: RealmValues,
  require: Require,
): Implementations<(typeof BUILTIN_GROUPS)['Miscellaneous']> {
  return {
    gohan_schemas: () => thread.call('schema.list'),
    gohan_schema_url(schemaId) {
      try {
        return thread.call('schema.url', schemaId);
      } catch (error) {
        if (!isHostCallError(error) || isFinal(error)) throw error;
        throw realm.error(unknownSchema(error.message) ?? error.message, error);
      }
    },
    gohan_policies: () => thread.call('policy.list'),
    gohan_uuid: () => randomUUID(),
    gohan_sleep(ms) {
      const time = Number(ms);
      if (time > 0) thread.call('sleep', time);
      return null;
    },
    gohan_template(template, data) {
      if (typeof template !== 'string') return template;
      try {
        return renderTemplate(template, data === undefined ? null : JSON.parse(JSON.stringify(data)));
      } catch (error) {
        throw realm.error(error instanceof Error ? error.message : String(error));
      }
    },
    gohan_config: (key, fallback) => thread.call('config.get', key) ?? fallback,
    gohan_get_env: (key, fallback) => (Object.hasOwn(thread.env, key) && thread.env[key]) || fallback,
    gohan_global: (name) => openGlobal(thread, thread.environment, name),
    gohan_process_global: (name) => openGlobal(thread, '', name),
    require: (name) => require(name),
  };
}

/** `gohan_sync_*`. */
export function syncBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Sync']> {
  const during = <T>(doing: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!isHostCallError(error) || isFinal(error)) throw error;
      throw realm.error(`Failed to ${doing} sync: ${error.message}`, error);
    }
  };
  return {
    gohan_sync_fetch(path) {
      const node = during('fetch', () => thread.call('sync.fetch', path));
      if (node === undefined) throw realm.error(`Failed to fetch sync: Key not found (${path})`);
      return node;
    },
    gohan_sync_update: (path, value) => during('update', () => thread.call('sync.update', path, value)),
    gohan_sync_delete: (path, isPrefix) => during('delete', () => thread.call('sync.delete', path, isPrefix)),
    gohan_sync_watch: (path, timeoutMs, revision) =>
      during('watch', () => thread.call('sync.watch', path, timeoutMs, revision))[0] ?? realm.copy({}),
  };
}

/** `gohan_register_handler` and its kin. */
export function eventBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Events']> {
  return {
    gohan_register_handler: (event, handler) => thread.register(String(event), handler),
    gohan_handle_event: (event, context) => thread.handle(String(event), context),
    gohan_trigger_event(event, context) {
      if (typeof context['schema'] !== 'object' || context['schema'] === null) throw realm.error('gohan_trigger_event: schema not found');
      thread.trigger(event, context);
      return null;
    },
    gohan_load_hook(name) {
      thread.onLoad((code, path) => {
        const hook = thread.global[name];
        if (typeof hook !== 'function') throw realm.error(`gohan_load_hook: there is no global function '${name}'`);
        return String((hook as (code: string, path: string) => unknown)(code, path));
      });
      return true;
    },
  };
}
