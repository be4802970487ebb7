import { loadSettings } from '../../config/load-settings.ts';
import type { Settings } from '../../config/settings.ts';

/** The settings of a configuration file; without one all have their defaults. Throws as `loadSettings` does. */
export function readTestSettings(path: string | undefined, cwd: string, env: NodeJS.ProcessEnv): Settings {
  if (path !== undefined) return loadSettings({ path, env, cwd }).settings;
  const minimal = Buffer.from('version: v1\nstorage: { type: memory }\n').toString('base64');
  return loadSettings({ env: { SEKISHO_CONFIG_DATA: minimal, SEKISHO_CONFIG_TYPE: 'yaml' }, cwd }).settings;
}
