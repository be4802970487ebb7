import { createModuleCache } from './cache.ts';
import { compileProgram, programKey } from './compile.ts';
import { stopEsbuild } from './esbuild.ts';
import { DEFAULT_LIMITS, type ModuleRuntimeOptions, type RuntimeLimits } from './options.ts';
import { LoadedProgram, type ProgramEnvironment } from './program.ts';
import { threadCode } from './thread-code.ts';
import { createThreadSlots } from './thread-slots.ts';
import type { ModuleRuntime, ProgramSource } from './types.ts';
import { makeLoopsStoppable } from './user-thread.ts';
import { createWatchdog } from './watchdog.ts';

const THREAD = new URL('./thread', import.meta.url);

/** The module runtime of one worker process: compiles programs, runs each in a thread of its own and watches over them. */
export function createModuleRuntime(options: ModuleRuntimeOptions): ModuleRuntime {
  makeLoopsStoppable();
  const limits: RuntimeLimits = { ...DEFAULT_LIMITS, ...definedOnly(options) };
  const programs = new Map<string, LoadedProgram>();
  const loading = new Map<string, Promise<LoadedProgram>>();
  const cache = createModuleCache(limits.cacheBytes);
  const watchdog = createWatchdog(() => programs.values());
  const environment: ProgramEnvironment = {
    limits,
    env: options.env ?? {},
    slots: createThreadSlots(limits.maxThreads),
    threadCode: () => threadCode(THREAD),
    wake: watchdog.wake,
    onUnused: (program) => {
      if (programs.get(program.key) === program) programs.delete(program.key);
    },
  };

  const load = async (source: ProgramSource): Promise<LoadedProgram> => {
    const compiled = await compileProgram(source, options.npmPath);
    const program = new LoadedProgram(source, compiled, { namespace: source.namespace, bridge: options.bridge, cache }, environment);
    programs.set(program.key, program);
    try {
      await program.thread();
    } catch (error) {
      programs.delete(program.key);
      await program.close();
      throw error;
    }
    return program;
  };

  return {
    async load(source) {
      const key = programKey(source);
      let program = programs.get(key);
      const running = loading.get(key);
      if (running !== undefined) program = await running;
      else if (program === undefined) {
        const started = load(source).finally(() => loading.delete(key));
        loading.set(key, started);
        program = await started;
      }
      program.users += 1;
      return program;
    },
    status: () => [...programs.values()].map((program) => program.status()),
    release: (key) => programs.get(key)?.releaseQuarantine() ?? false,
    async close() {
      watchdog.close();
      await Promise.all([...programs.values()].map((program) => program.close()));
      programs.clear();
      stopEsbuild();
    },
  };
}

function definedOnly(options: ModuleRuntimeOptions): Partial<RuntimeLimits> {
  return Object.fromEntries(
    Object.keys(DEFAULT_LIMITS).flatMap((key) =>
      options[key as keyof RuntimeLimits] === undefined ? [] : [[key, options[key as keyof RuntimeLimits]]],
    ),
  );
}
