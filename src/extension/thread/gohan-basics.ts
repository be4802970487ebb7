import { randomUUID } from 'node:crypto';
import { renderTemplate } from '../template/render.ts';
import type { Implementations } from './gohan-builtins.ts';
import { openGlobal } from './gohan-global.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { Require } from './gohan-require.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread } from './types.ts';

/** The built-ins that need little: schemas, policies, ids, waiting, templates, settings, shared objects. */
export function basicBuiltins(
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
        throw realm.error(error.message, error);
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
