import type { OnResolveArgs, OnResolveResult, PartialMessage, Plugin } from 'esbuild';
import type { ProgramSource } from './types.ts';

/** Modules that the thread provides. They win over modules of the route that have the same name. */
export const BUILT_INS: readonly string[] = [
  ...['', '/http', '/util', '/state', '/crypto', '/storage'].flatMap((part) => [`dgate${part}`, `sekisho${part}`]),
  'sekisho/secrets',
  'url',
  'buffer',
  'console',
  'util',
  'crypto',
];

const BUILT_IN_SET = new Set(BUILT_INS);
const EXTENSIONS = ['.ts', '.js'] as const;

/** esbuild's namespace of the modules of a route. */
export const MODULE_NAMESPACE = 'module';

/** The name of a module as file name in messages and stacks: `hello` of type typescript is `hello.ts`. */
export function fileName(module: { readonly name: string; readonly type: 'typescript' | 'javascript' }): string {
  return /\.[cm]?[jt]s$/.test(module.name) ? module.name : `${module.name}${module.type === 'typescript' ? '.ts' : '.js'}`;
}

/**
 * Resolves the imports of a program: built-ins (left to the thread), the other modules of the route by name, then packages of `npmPath`.
 * Anything else is an error that lists what may be imported.
 */
export function resolverPlugin(source: ProgramSource, npmPath: string | undefined, contents: (name: string) => string): Plugin {
  const types = new Map(source.modules.map((module) => [module.name, module.type]));
  return {
    name: 'sekisho-resolver',
    setup(build) {
      build.onResolve({ filter: /.*/ }, async (args): Promise<OnResolveResult | undefined> => {
        if (args.pluginData === 'package') return undefined;
        if (args.kind === 'entry-point') return { path: args.path, namespace: MODULE_NAMESPACE };
        const bare = args.path.startsWith('node:') ? args.path.slice(5) : args.path;
        if (BUILT_IN_SET.has(bare)) return { path: bare, external: true };
        if (args.namespace !== MODULE_NAMESPACE) return undefined;
        const name = moduleName(args, types);
        if (name !== undefined) return { path: name, namespace: MODULE_NAMESPACE };
        if (npmPath !== undefined && /^[^./]/.test(args.path) && !args.path.startsWith('node:')) {
          const found = await build.resolve(args.path, { kind: args.kind, resolveDir: npmPath, importer: npmPath, pluginData: 'package' });
          if (found.errors.length === 0) return { path: found.path, namespace: found.namespace, external: found.external };
        }
        return { errors: [notFound(args, types, npmPath)] };
      });
      build.onLoad({ filter: /.*/, namespace: MODULE_NAMESPACE }, (args) => ({
        contents: contents(args.path),
        loader: types.get(args.path) === 'javascript' ? 'js' : 'ts',
      }));
    },
  };
}

function moduleName(args: OnResolveArgs, types: ReadonlyMap<string, unknown>): string | undefined {
  const relative = args.path.startsWith('./') || args.path.startsWith('../');
  const wanted = relative ? joinName(args.importer, args.path) : args.path;
  if (types.has(wanted)) return wanted;
  for (const extension of EXTENSIONS) {
    if (types.has(wanted + extension)) return wanted + extension;
    if (wanted.endsWith(extension) && types.has(wanted.slice(0, -extension.length))) return wanted.slice(0, -extension.length);
  }
  return undefined;
}

/** `./b` seen from module `lib/a` is `lib/b`: names are resolved like paths, in the folder of the importing module. */
function joinName(importer: string, path: string): string {
  const parts = importer.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function notFound(args: OnResolveArgs, types: ReadonlyMap<string, unknown>, npmPath: string | undefined): PartialMessage {
  const others = [...types.keys()].filter((name) => name !== args.importer);
  const modules = others.length === 0 ? 'other modules of this route (it has none)' : `other modules of this route (${others.join(', ')})`;
  const packages = npmPath === undefined ? 'npm packages only with the setting modules.npm_path' : `npm packages of ${npmPath}`;
  return {
    text: `${JSON.stringify(args.path)} not found. A module may import ${modules}; the built-ins ${BUILT_INS.join(', ')}; ${packages}.`,
  };
}
