import vm from 'node:vm';
import { eventNames, isLifeEvent } from '../event-names.ts';
import type { ThreadCode } from '../wire.ts';

/** A handler of a module: gets the context, may be asynchronous. */
export type ModuleHandler = (context: object) => unknown;

/**
 * Runs the top level of a compiled module and gives its handlers by event: exported functions, each under its name and, when that is in
 * camel case, in snake case. Throws what the module throws, and when it exports two handlers of one event.
 */
export function evaluateModule(
  code: ThreadCode,
  require: (name: string) => unknown,
  warn: (text: string) => void,
): ReadonlyMap<string, ModuleHandler> {
  const module: { exports: Record<string, unknown> } = { exports: {} };
  vm.compileFunction(code.code, ['exports', 'require', 'module'], { filename: code.script })(module.exports, require, module);
  const handlers = new Map<string, ModuleHandler>();
  const exportedAs = new Map<string, string>();
  for (const [name, value] of Object.entries(module.exports)) {
    const events = eventNames(name);
    if (typeof value !== 'function') {
      if (events.some(isLifeEvent)) throw new TypeError(`${name} is of type ${typeof value}; the handler of an event has to be a function`);
      continue;
    }
    if (/^(pre|post)[_A-Z]/.test(name) && !events.some(isLifeEvent))
      warn(`${code.id} exports ${name}: no event has that name, so it only runs as an action of that name`);
    for (const event of events) {
      const other = exportedAs.get(event);
      if (other !== undefined) throw new TypeError(`${name} and ${other} are both handlers of ${event}; export one of them`);
      exportedAs.set(event, name);
      handlers.set(event, value as ModuleHandler);
    }
  }
  return handlers;
}
