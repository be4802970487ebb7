import { type Setting, type SettingKeys, toPropertyName } from './setting.ts';
import type { Settings } from './settings.ts';
import { SETTINGS } from './settings-table.ts';

const HIDDEN = '***';

/** The settings as they may be printed: plain JSON in which every secret is `***`, and of `init_resources` only what it is made of. */
export function redact(settings: Settings): unknown {
  const { initResources, ...proxy } = settings.proxy;
  const rest = redactSection(SETTINGS, { ...settings, proxy });
  if (!initResources) return rest;
  const entities = initResources.changes.map((change) => `${change.kind}/${change.op === 'put' ? change.entity.name : change.name}`);
  return { ...rest, proxy: { ...(rest['proxy'] as object), initResources: { entities, documents: initResources.documents.length } } };
}

function redactSection(keys: SettingKeys, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const byProperty = new Map(Object.entries(keys).map(([key, setting]) => [toPropertyName(key, setting.type), setting]));
  return Object.fromEntries(Object.entries(values).map(([property, value]) => [property, redactValue(byProperty.get(property), value)]));
}

/** What the table does not describe is hidden. */
function redactValue(setting: Setting | undefined, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (setting === undefined || (setting.type === 'string' && setting.secret)) return HIDDEN;
  if (setting.type === 'list') return (value as readonly unknown[]).map((item) => redactValue(setting.of, item));
  if (setting.type === 'section') return redactSection(setting.keys, value as Readonly<Record<string, unknown>>);
  return value;
}
