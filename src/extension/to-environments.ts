import { Script } from 'node:vm';
import { SekishoError } from '../lib/errors.ts';
import { compilePattern } from '../schema/pattern.ts';
import type { ExtensionSource, SchemaSet } from '../schema/types.ts';
import type { EnvironmentSource, ExtensionCode } from './types.ts';

/** Environments that are no schema: `cron://name`, `sync://event`; their name is what the patterns of extensions are searched in. */
export interface EnvironmentsOptions {
  readonly others: readonly string[];
  /** The language of extensions that name none: `extension.default`. */
  readonly defaultType: string;
}

/**
 * The environments of a set of schemas: for each, the extensions whose `path` is found in the schema's short URL, in load order. Those without
 * any are left out. Throws EXTENSION_COMPILE for extensions in a language that is not run here.
 */
export function toEnvironments(schemas: SchemaSet, { others, defaultType }: EnvironmentsOptions): readonly EnvironmentSource[] {
  const extensions = schemas.extensions.map((source) => ({ pattern: toPattern(source), code: toCode(source, defaultType) }));
  const places = [
    ...[...schemas.resources.values()].map(({ id, url }) => ({ name: id, url })),
    ...others.map((name) => ({ name, url: name })),
  ];
  return places.flatMap(({ name, url }) => {
    const own = extensions.filter(({ pattern }) => pattern.test(url)).map(({ code }) => code);
    return own.length === 0 ? [] : [{ name, url, extensions: own }];
  });
}

function toPattern({ id, path, place }: ExtensionSource): RegExp {
  const compiled = compilePattern(path);
  if ('regExp' in compiled) return compiled.regExp;
  throw new SekishoError('EXTENSION_COMPILE', `Extension ${id} (${place}): path ${path} is no regular expression: ${compiled.problem}`);
}

function toCode(source: ExtensionSource, defaultType: string): ExtensionCode {
  const { id, code, file, linesAhead, place } = source;
  return { id, style: styleOf(source, source.codeType || defaultType, file), code, file, linesAhead, place };
}

function styleOf({ id, code, place }: ExtensionSource, type: string, file: string | undefined): ExtensionCode['style'] {
  if (type === 'typescript' || (file !== undefined && /\.[cm]?ts$/.test(file))) return 'module';
  if (type === 'javascript') return isModule(code) ? 'module' : 'gohan';
  const detail = `Extension ${id} is of code_type ${type}: Go plugins are not run here. Port it to TypeScript (code_type: typescript), whose handlers are exported functions, or to Gohan's JavaScript.`;
  throw new SekishoError('EXTENSION_COMPILE', detail, { errors: [{ pointer: place, detail }] });
}

const MODULE_SYNTAX = /^\s*(?:import\s*[\w{*'"]|export\s+(?:const|let|var|function|async|class|default)\b|export\s*[{*])/m;

/** Whether JavaScript has the syntax of ES modules: it does not parse as a script, and imports or exports. */
function isModule(code: string): boolean {
  if (!MODULE_SYNTAX.test(code)) return false;
  try {
    new Script(code);
    return false;
  } catch {
    return true;
  }
}
