import vm from 'node:vm';
import { HOOKS, type Hook } from '../types.ts';

/** File name of the compiled program; only frames of it are shown to authors. */
export const PROGRAM_FILE = 'sekisho-program.js';

export type HookFunction = (...args: unknown[]) => unknown;
export type HookTable = Partial<Record<Hook, HookFunction>>;

/** Runs the top level of a program and finds its hooks: exported ones first, else top-level functions of that name. Throws what the program throws. */
export function evaluateProgram(code: string, require: (name: string) => unknown): HookTable {
  const exports: Record<string, unknown> = {};
  const module: { exports: unknown } = { exports };
  let locals: Record<string, unknown> = {};
  const run = vm.compileFunction(code, ['exports', 'require', 'module', '__sekisho_hooks'], { filename: PROGRAM_FILE });
  run(exports, require, module, (found: Record<string, unknown>) => {
    locals = found;
  });
  const hooks: HookTable = {};
  for (const hook of HOOKS) {
    const found =
      findHook(hook, [module.exports, exports], locals) ??
      (hook === 'fetchUpstream' ? findHook('fetchUpstreamUrl', [module.exports, exports], locals) : undefined);
    if (found !== undefined) hooks[hook] = found;
  }
  return hooks;
}

function findHook(name: string, exported: readonly unknown[], locals: Readonly<Record<string, unknown>>): HookFunction | undefined {
  for (const object of exported) {
    if (object === null || (typeof object !== 'object' && typeof object !== 'function')) continue;
    const value = (object as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (typeof value !== 'function')
      throw new TypeError(`invalid function -> ${name}: the export is of type ${typeof value}, a hook must be a function`);
    return value as HookFunction;
  }
  const local = locals[name];
  return typeof local === 'function' ? (local as HookFunction) : undefined;
}
