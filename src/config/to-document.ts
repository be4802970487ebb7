import { type Setting, type SettingKeys, toPropertyName } from './setting.ts';
import type { Settings } from './settings.ts';
import { SETTINGS } from './settings-table.ts';

/** The settings under the keys of the configuration file, defaults filled in, secrets left out; durations are texts in milliseconds (`1500ms`). Plain JSON. */
export function toDocument(settings: Settings): Readonly<Record<string, unknown>> {
  const { initResources: _, ...proxy } = settings.proxy;
  return fromSection(SETTINGS, { ...settings, proxy });
}

function fromSection(keys: SettingKeys, values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(keys).flatMap(([key, setting]) => {
      const value = fromValue(setting, values[toPropertyName(key, setting.type)]);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function fromValue(setting: Setting, value: unknown): unknown {
  if (value === undefined || (setting.type === 'string' && setting.secret)) return undefined;
  switch (setting.type) {
    case 'duration':
      return `${value as number}ms`;
    case 'list':
      return (value as readonly unknown[]).map((item) => fromValue(setting.of, item));
    case 'map':
      return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, fromValue(setting.of, item)]));
    case 'section':
      return fromSection(setting.keys, value as Readonly<Record<string, unknown>>);
    case 'later':
    case 'ignored':
      return undefined;
    default:
      return value;
  }
}
