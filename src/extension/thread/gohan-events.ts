import { type HandleOf, transactionOf } from './gohan-arguments.ts';
import type { Implementations } from './gohan-builtins.ts';
import type { GohanExceptions } from './gohan-exceptions.ts';
import type { RealmValues } from './gohan-realm.ts';
import { toRefusal } from './gohan-refusal.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { EventContext, GohanThread } from './types.ts';

/** `gohan_register_handler` and its kin. */
export function eventBuiltins(
  thread: GohanThread,
  realm: RealmValues,
  exceptions: GohanExceptions,
  handleOf: HandleOf,
): Implementations<(typeof BUILTIN_GROUPS)['Events']> {
  const run = (of: 'handle' | 'trigger', event: string, context: EventContext): void => {
    const transaction = transactionOf(context, realm, handleOf);
    try {
      thread[of](event, context, transaction);
    } catch (error) {
      throw toRefusal(realm, exceptions, error);
    }
  };
  return {
    gohan_register_handler: (event, handler) => thread.register(String(event), handler),
    gohan_handle_event: (event, context) => run('handle', String(event), context),
    gohan_trigger_event(event, context) {
      if (typeof context['schema'] !== 'object' || context['schema'] === null) throw realm.error('gohan_trigger_event: schema not found');
      run('trigger', event, context);
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
