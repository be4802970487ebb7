import type { ConfigNode, MapNode } from './config-node.ts';
import { FORMATS } from './formats.ts';
import { expandText, expected, type Reading, readDefault, readScalar } from './read-value.ts';
import { type Setting, type SettingKeys, toPropertyName } from './setting.ts';
import { describeUnknownKey } from './unknown-key.ts';

type Section = Readonly<Record<string, unknown>>;
type SettingOf<T extends Setting['type']> = Extract<Setting, { readonly type: T }>;

const EMPTY: MapNode = { kind: 'map', entries: new Map(), line: 1, column: 1 };

/**
 * The typed form of a map of settings: known keys under their property names, defaults filled in. Everything that is wrong is reported and left out, so that
 * the result is whole only when nothing was reported.
 */
export function readSection(keys: SettingKeys, node: MapNode, path: string, reading: Reading): Section {
  const properties: [string, unknown][] = [];
  for (const [key, entry] of node.entries) {
    const at = join(path, key);
    reading.problems.mark(at, entry);
    if (!Object.hasOwn(keys, key)) reading.problems.report(at, describeUnknownKey(key, keys));
  }
  for (const [key, setting] of Object.entries(keys)) {
    const value = readKey(key, setting, node, path, reading);
    if (value !== undefined) properties.push([toPropertyName(key, setting.type), value]);
  }
  return Object.fromEntries(properties);
}

function readKey(key: string, setting: Setting, node: MapNode, path: string, reading: Reading): unknown {
  const at = join(path, key);
  const written = node.entries.get(key)?.value;
  if (written === undefined || (isAbsent(written) && setting.type !== 'free')) {
    if (!setting.required) return readAbsent(setting, at, reading);
    reading.problems.report(at, `is missing; expected ${expected(setting)}`);
    return undefined;
  }
  if (setting.type === 'ignored') reading.problems.warn(at, `has no effect: ${setting.doc}`);
  if (setting.type === 'later') reading.problems.warn(at, `has no effect yet: ${setting.doc}`);
  return readValue(setting, written, at, reading);
}

/** A key without a value is a key that is not there. */
function isAbsent(node: ConfigNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function readAbsent(setting: Setting, path: string, reading: Reading): unknown {
  if (setting.type === 'section') return setting.optional ? undefined : readSection(setting.keys, EMPTY, path, reading);
  if (setting.type === 'list' || setting.type === 'map') return setting.default;
  return setting.type === 'free' || setting.type === 'later' || setting.type === 'ignored' ? undefined : readDefault(setting, reading);
}

function readValue(setting: Setting, node: ConfigNode, path: string, reading: Reading): unknown {
  switch (setting.type) {
    case 'section':
      return node.kind === 'map' ? readSection(setting.keys, node, path, reading) : refuse(setting, node, path, reading);
    case 'list':
      return readList(setting, node, path, reading);
    case 'map':
      return readMap(setting, node, path, reading);
    case 'free':
      return readFree(node, path, reading);
    case 'later':
    case 'ignored':
      return undefined;
    default:
      return readScalar(setting, node, path, reading);
  }
}

function readList(setting: SettingOf<'list'>, node: ConfigNode, path: string, reading: Reading): unknown {
  if (node.kind !== 'list') return refuse(setting, node, path, reading);
  if (node.items.length < (setting.minItems ?? 0))
    reading.problems.report(path, `found an empty list, expected at least ${setting.minItems} item`);
  return node.items.map((item, index) => {
    const at = `${path}[${index}]`;
    reading.problems.mark(at, item);
    return isAbsent(item) ? refuse(setting.of, item, at, reading) : readValue(setting.of, item, at, reading);
  });
}

function readMap(setting: SettingOf<'map'>, node: ConfigNode, path: string, reading: Reading): unknown {
  if (node.kind !== 'map') return refuse(setting, node, path, reading);
  const format = setting.keyFormat && FORMATS[setting.keyFormat];
  return Object.fromEntries(
    [...node.entries].map(([key, entry]) => {
      const at = join(path, key);
      reading.problems.mark(at, entry);
      if (format && !format.accepts(key)) reading.problems.report(at, `found the key ${JSON.stringify(key)}, expected ${format.expected}`);
      return [key, readValue(setting.of, entry.value, at, reading)];
    }),
  );
}

function readFree(node: ConfigNode, path: string, reading: Reading): unknown {
  if (node.kind === 'list') return node.items.map((item, index) => readFree(item, `${path}[${index}]`, reading));
  if (node.kind === 'map')
    return Object.fromEntries([...node.entries].map(([key, entry]) => [key, readFree(entry.value, join(path, key), reading)]));
  return typeof node.value === 'string' ? expandText(node.value, path, reading) : node.value;
}

function refuse(setting: Setting, node: ConfigNode, path: string, { problems }: Reading): undefined {
  // The value itself is not shown: it may be a secret in the wrong place.
  const found = node.kind === 'scalar' ? (node.value === null ? 'nothing' : 'a single value') : `a ${node.kind}`;
  problems.report(path, `found ${found}, expected ${expected(setting)}`);
  return undefined;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
