import { existsSync, readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { SekishoError } from '../lib/errors.ts';

export interface SourceOptions {
  /** The file that the user named. */
  readonly path?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** The text of a configuration and where it came from. */
export interface ConfigSource {
  readonly text: string;
  /** As users know it, for messages. */
  readonly name: string;
  /** Absolute path; absent when the text came from the environment. */
  readonly path?: string;
}

const DEFAULT_FILES = ['sekisho.yaml', 'sekisho.yml', 'sekisho.json', 'config.dgate.yaml', 'config.dgate.yml', 'config.dgate.json'];
const NO_TOML = 'TOML is not read; write the same keys as YAML or JSON';

/**
 * Finds the configuration: `path`, else `SEKISHO_CONFIG` or `DG_CONFIG_PATH`, else the base64 text in `SEKISHO_CONFIG_DATA` or `DG_CONFIG_DATA`, else the first
 * of the default files in `cwd`. Throws CONFIG_NOT_FOUND, or CONFIG_SYNTAX when its type is not YAML or JSON.
 */
export function findSource({ path, env, cwd }: SourceOptions): ConfigSource {
  const type = env['SEKISHO_CONFIG_TYPE'] || env['DG_CONFIG_TYPE'];
  const named = path ?? (env['SEKISHO_CONFIG'] || env['DG_CONFIG_PATH']);
  if (named) return readSource(named, cwd, type);
  const variable = ['SEKISHO_CONFIG_DATA', 'DG_CONFIG_DATA'].find((name) => env[name]);
  if (variable !== undefined) return decodeSource(variable, env[variable] ?? '', type);
  const found = DEFAULT_FILES.find((name) => existsSync(resolve(cwd, name)));
  if (found !== undefined) return readSource(found, cwd, undefined);
  if (existsSync(resolve(cwd, 'config.dgate.toml'))) throw new SekishoError('CONFIG_SYNTAX', `config.dgate.toml: ${NO_TOML}`);
  const tried = DEFAULT_FILES.map((name) => `./${name}`).join(', ');
  throw new SekishoError(
    'CONFIG_NOT_FOUND',
    `no configuration in ${cwd}: none of ${tried} is there; name one with -c FILE or SEKISHO_CONFIG`,
  );
}

function readSource(name: string, cwd: string, type: string | undefined): ConfigSource {
  const path = resolve(cwd, name);
  checkType(name, type || extname(name).slice(1));
  try {
    return { text: readFileSync(path, 'utf8'), name, path };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'the file may not be read'
          : code === 'EISDIR'
            ? 'it is a folder'
            : `it cannot be read (${code})`;
    throw new SekishoError('CONFIG_NOT_FOUND', `${name}: ${reason}`, { cause: error });
  }
}

function decodeSource(variable: string, data: string, type: string | undefined): ConfigSource {
  const name = `$${variable}`;
  checkType(name, type ?? '');
  const base64 = data.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) throw new SekishoError('CONFIG_SYNTAX', `${name} is not base64`);
  return { text: Buffer.from(base64, 'base64').toString('utf8'), name };
}

function checkType(name: string, type: string): void {
  const known = type.toLowerCase();
  if (known === 'yaml' || known === 'yml' || known === 'json') return;
  if (known === 'toml') throw new SekishoError('CONFIG_SYNTAX', `${name}: ${NO_TOML}`);
  if (known === '')
    throw new SekishoError(
      'CONFIG_SYNTAX',
      `${name} has no extension that tells its format: name it *.yaml or *.json, or set SEKISHO_CONFIG_TYPE (or DG_CONFIG_TYPE) to yaml or json`,
    );
  throw new SekishoError('CONFIG_SYNTAX', `${name}: unknown configuration type ${JSON.stringify(type)}, expected yaml, yml or json`);
}
