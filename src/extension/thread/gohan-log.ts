import { goText } from './gohan-arguments.ts';
import type { Implementations } from './gohan-builtins.ts';
import type { RealmValues } from './gohan-realm.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread, LogLevel } from './types.ts';

/** The global `LOG_LEVEL`. */
export const LOG_LEVELS = { CRITICAL: 0, ERROR: 1, WARNING: 2, NOTICE: 3, INFO: 4, DEBUG: 5 } as const;

const LEVELS: readonly LogLevel[] = ['error', 'error', 'warn', 'info', 'info', 'debug'];

/** `gohan_log*`; defines the global `LOG_MODULE`. */
export function logBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Log']> {
  const logModule = defineLogModule(thread);
  const need = (what: string, value: unknown): string => {
    if (typeof value === 'string') return value;
    throw realm.error(`${what}: Argument '${goText(value)}' should be of type 'string'`);
  };
  const write = (module: unknown, level: unknown, message: unknown): void => {
    const name = need('Log module', module);
    const known = LEVELS[Number(level)];
    if (known === undefined) throw realm.error(`Log level: Argument '${goText(level)}' should be of type 'int64'`);
    thread.log(known, name, need('Message', message));
  };
  const at = (level: number) => (message: unknown) => write(logModule.name, level, message);
  return {
    gohan_log: write,
    gohan_log_critical: at(LOG_LEVELS.CRITICAL),
    gohan_log_error: at(LOG_LEVELS.ERROR),
    gohan_log_warning: at(LOG_LEVELS.WARNING),
    gohan_log_notice: at(LOG_LEVELS.NOTICE),
    gohan_log_info: at(LOG_LEVELS.INFO),
    gohan_log_debug: at(LOG_LEVELS.DEBUG),
    gohan_log_module_push(name) {
      const old = logModule.name;
      logModule.name = `${old}.${String(name)}`;
      return old;
    },
    gohan_log_module_restore(old) {
      logModule.name = String(old);
    },
  };
}

/** `LOG_MODULE`: `gohan.extension.<environment>.<event>`, or what a script made of it in the event that runs. */
function defineLogModule(thread: GohanThread): { name: string } {
  let own: { readonly name: string; readonly event: string; readonly requestId: string } | undefined;
  const logModule = {
    get name(): string {
      const { environment, event, requestId } = thread;
      if (own?.event === event && own.requestId === requestId) return own.name;
      return `gohan.extension.${environment}${event === '' ? '' : `.${event}`}`;
    },
    set name(name: string) {
      own = { name, event: thread.event, requestId: thread.requestId };
    },
  };
  Object.defineProperty(thread.global, 'LOG_MODULE', {
    get: () => logModule.name,
    set: (name: unknown) => {
      logModule.name = String(name);
    },
    enumerable: true,
    configurable: true,
  });
  return logModule;
}
