import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { parseDurationNs } from '../lib/duration.ts';
import { nearest } from '../lib/nearest.ts';
import { parseBytes } from './bytes.ts';
import type { ConfigNode, ScalarNode } from './config-node.ts';
import type { Expander } from './expand.ts';
import { FORMATS, type Format } from './formats.ts';
import type { Problems } from './problems.ts';
import { hasEffect, type Setting, type TextSetting } from './setting.ts';

/** What reading a configuration needs beside the text. */
export interface Reading {
  readonly problems: Problems;
  readonly expand: Expander;
  /** Where relative paths are looked for, in this order; the first one is where new folders are made. */
  readonly folders: readonly string[];
}

type SettingOf<T extends Setting['type']> = Extract<Setting, { readonly type: T }>;
/** A setting whose value is one scalar. */
export type ScalarSetting = Exclude<Setting, { readonly type: 'list' | 'map' | 'section' | 'free' | 'later' | 'ignored' }>;

/** The value of a scalar setting (or one of its default); `undefined` when it is wrong, which is then reported. */
export function readScalar(setting: ScalarSetting, node: ConfigNode, path: string, reading: Reading): unknown {
  if (node.kind !== 'scalar') return refuse(node.kind === 'map' ? 'a map' : 'a list', expected(setting), path, reading);
  const text = textOf(setting, node, path, reading);
  if (text === undefined) return undefined;
  const value = readText(setting, text.value, text.source, path, reading);
  if (value instanceof Refusal) return refuse(text.found, value.expected, path, reading);
  return value;
}

/** The value of a setting's default, in the form that `Settings` has. */
export function readDefault(setting: ScalarSetting, reading: Reading): unknown {
  if (!('default' in setting) || setting.default === undefined) return undefined;
  const value = readText(setting, setting.default, String(setting.default), '', reading);
  return value instanceof Refusal ? undefined : value;
}

class Refusal {
  readonly expected: string;
  constructor(text: string) {
    this.expected = text;
  }
}

interface ScalarText {
  readonly value: string | number | boolean;
  readonly source: string;
  /** How it is shown in a message. */
  readonly found: string;
}

function textOf(setting: ScalarSetting, node: ScalarNode, path: string, reading: Reading): ScalarText | undefined {
  const isSecret = setting.type === 'string' && setting.secret === true;
  const { value } = node;
  if (typeof value !== 'string') return { value: value ?? '', source: node.source, found: isSecret ? '***' : node.source };
  if (setting.type === 'string' && setting.verbatim) return { value, source: value, found: show(value) };
  const text = expandText(value, path, reading);
  if (text === undefined) return undefined;
  const found = isSecret ? '***' : `${show(text)}${text === value ? '' : ` (from ${show(value)})`}`;
  return { value: text, source: text, found };
}

/** `text` with its `${…}` and `$(…)` replaced; `undefined` when that fails, which is then reported. */
export function expandText(text: string, path: string, { expand, problems }: Reading): string | undefined {
  const expansion = expand(text);
  for (const name of expansion.unset)
    problems.warn(path, `\${${name}} is not set in the environment and has no default; an empty text is used`);
  if (expansion.problem === undefined) return expansion.text;
  problems.report(path, expansion.problem);
  return undefined;
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function refuse(found: string, wanted: string, path: string, { problems }: Reading): undefined {
  problems.report(path, `found ${found}, expected ${wanted}`);
  return undefined;
}

function readText(setting: ScalarSetting, value: string | number | boolean, source: string, path: string, reading: Reading): unknown {
  if ('zeroIsDefault' in setting && setting.default !== undefined && /^0[a-zµμ]*$/.test(String(value))) {
    return readText(setting, setting.default, String(setting.default), path, reading);
  }
  switch (setting.type) {
    case 'string':
      return readString(setting, source);
    case 'bool':
      return readBool(setting, value);
    case 'int':
      return readInt(setting, value);
    case 'duration':
      return readDuration(setting, value);
    case 'span':
      return (parseDurationNs(value) ?? -1) < 0 ? new Refusal(expected(setting)) : value;
    case 'bytes':
      return inBounds(parseBytes(value), setting.min ?? 0, setting.max) ?? new Refusal(expected(setting));
    case 'enum':
      return readEnum(setting, source);
    case 'path':
      return readPath(setting, source, path, reading);
  }
}

function readString(setting: TextSetting, text: string): unknown {
  if (setting.format === undefined) return text;
  const format: Format = FORMATS[setting.format];
  if (format.accepts(text)) return text;
  const reason = format.explain?.(text);
  return new Refusal(format.expected + (reason === undefined ? '' : `; ${reason}`));
}

function readBool(setting: SettingOf<'bool'>, value: unknown): unknown {
  const text = String(value).toLowerCase();
  if (['true', 't', '1'].includes(text)) return true;
  return ['false', 'f', '0'].includes(text) ? false : new Refusal(expected(setting));
}

function readInt(setting: SettingOf<'int'>, value: string | number | boolean): unknown {
  if (typeof value === 'string' && setting.words?.includes(value)) return value;
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value;
  const whole = Number.isSafeInteger(number) ? (number as number) : undefined;
  return inBounds(whole, setting.min, setting.max) ?? new Refusal(expected(setting));
}

/** A bare 30 is 30 nanoseconds; whoever writes that means seconds. */
const SHORTEST_NS = 1e6;

function readDuration(setting: SettingOf<'duration'>, value: unknown): unknown {
  const ns = parseDurationNs(value);
  if (ns === 0 && setting.min === undefined) return 0;
  const isAllowed =
    ns !== undefined && inBounds(ns, parseDurationNs(setting.min) ?? SHORTEST_NS, parseDurationNs(setting.max)) !== undefined;
  return isAllowed ? ns / 1e6 : new Refusal(expected(setting));
}

function inBounds(value: number | undefined, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function readEnum(setting: SettingOf<'enum'>, text: string): unknown {
  const lower = text.toLowerCase();
  const alias = setting.aliases && Object.hasOwn(setting.aliases, lower) ? setting.aliases[lower] : undefined;
  const value = alias ?? setting.values.find((candidate) => candidate.toLowerCase() === lower);
  if (value !== undefined) return value;
  const reason = setting.unavailable && Object.hasOwn(setting.unavailable, lower) ? setting.unavailable[lower] : undefined;
  if (reason !== undefined) return new Refusal(`${expected(setting)}: ${reason}`);
  const meant = nearest(text, setting.values);
  return new Refusal(expected(setting) + (meant === undefined ? '' : `; did you mean ${meant}?`));
}

function readPath(setting: SettingOf<'path'>, text: string, path: string, { folders }: Reading): unknown {
  if (text === '') return new Refusal(expected(setting));
  const candidates = isAbsolute(text) ? [text] : [...new Set(folders.map((folder) => resolve(folder, text)))];
  if (setting.use === 'create') return candidates[0];
  const reasons = candidates.map((candidate) => ({ candidate, reason: whyUnreadable(candidate, setting.use === 'folder') }));
  const usable = reasons.find(({ reason }) => reason === undefined);
  return usable
    ? usable.candidate
    : new Refusal(`${expected(setting)} (${reasons.map(({ candidate, reason }) => `${candidate}: ${reason}`).join('; ')})`);
}

function whyUnreadable(file: string, isFolder: boolean): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isDirectory() !== isFolder) return isFolder ? 'is no folder' : 'is a folder';
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : `cannot be read (${code})`;
  }
}

/** What is allowed for a setting, as it stands behind "expected" in messages and in the reference. */
export function expected(setting: Setting): string {
  switch (setting.type) {
    case 'string':
      return setting.format === undefined ? 'a text' : FORMATS[setting.format].expected;
    case 'bool':
      return 'true or false';
    case 'int':
      return `a whole number${bounds(setting.min, setting.max)}${(setting.words ?? []).map((word) => ` or ${word}`).join('')}`;
    case 'duration':
      return `a duration with a unit such as 50ms or 1m30s, or whole nanoseconds${setting.min === undefined ? ', 0 or at least 1ms' : bounds(setting.min, setting.max)}`;
    case 'span':
      return 'a duration with a unit such as 50ms or 1m30s, or whole nanoseconds, not negative';
    case 'bytes':
      return `a size such as 65536, 64KiB or 10MiB${bounds(setting.min, setting.max)}`;
    case 'enum':
      return `one of ${setting.values.join(', ')}`;
    case 'path':
      return setting.use === 'file' ? 'a readable file' : setting.use === 'folder' ? 'a readable folder' : 'a folder';
    case 'list':
      return `a list; each item: ${expected(setting.of)}`;
    case 'map':
      return `a map; each value: ${expected(setting.of)}`;
    case 'section':
      return `a map of ${Object.keys(setting.keys)
        .filter((key) => hasEffect(setting.keys[key]))
        .join(', ')}`;
    default:
      return 'anything';
  }
}

function bounds(min: number | string | undefined, max: number | string | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min !== undefined ? `, at least ${min}` : max !== undefined ? `, at most ${max}` : '';
}
