import { parseDurationNs } from '../lib/duration.ts';
import { expected } from './read-value.ts';
import type { Setting, SettingKeys } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** `${NAME}` and `$(command)` may stand wherever a number or a truth value is wanted. */
const EXPANSION = { type: 'string', pattern: '\\$[({]' };
const DURATION = '^(0|([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$';
const SIZE = '^[0-9]+(\\.[0-9]+)? ?([bB]|[kKmMgG][iI]?[bB])?$';

/** The JSON Schema (draft-07, which editors know) of a configuration file, made from the table of settings. */
export function toJsonSchema(): JsonSchema {
  const { type, properties, required, additionalProperties } = toSection(SETTINGS);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://sekisho.dev/schema/sekisho.schema.json',
    title: 'Configuration of Sekisho',
    type,
    required,
    additionalProperties,
    properties,
  };
}

function toSection(keys: SettingKeys): JsonSchema {
  const required = Object.keys(keys).filter((key) => keys[key]?.required);
  const properties = Object.fromEntries(
    Object.entries(keys).map(([key, setting]) => [key, { description: describe(setting), ...toSchema(setting) }]),
  );
  // A key without a value is a key that is not there.
  return { type: ['object', 'null'], additionalProperties: false, ...(required.length > 0 && { required }), properties };
}

function describe(setting: Setting): string {
  if (setting.type === 'later') return `Has no effect yet: ${setting.doc}`;
  return setting.type === 'ignored' ? `Has no effect: ${setting.doc}` : setting.doc;
}

function toSchema(setting: Setting): JsonSchema {
  const fallback = 'default' in setting && setting.default !== undefined ? { default: setting.default } : {};
  switch (setting.type) {
    case 'string':
      return {
        type: ['string', 'number', 'boolean', 'null'],
        ...fallback,
        ...(setting.format && { $comment: expected(setting) }),
      };
    case 'path':
      return { type: ['string', 'null'], ...fallback };
    case 'bool':
      return { anyOf: [{ type: ['boolean', 'null'] }, EXPANSION], ...fallback };
    case 'int':
      return {
        anyOf: [{ type: ['integer', 'null'], ...limits(setting) }, ...(setting.words ? [{ enum: setting.words }] : []), EXPANSION],
        ...fallback,
      };
    case 'duration':
    case 'span':
      return {
        anyOf: [{ type: ['integer', 'null'], minimum: toMinimum(setting) }, { type: 'string', pattern: DURATION }, EXPANSION],
        ...fallback,
      };
    case 'bytes':
      return {
        anyOf: [{ type: ['integer', 'null'], minimum: 0, ...limits(setting) }, { type: 'string', pattern: SIZE }, EXPANSION],
        ...fallback,
      };
    case 'enum':
      return { anyOf: [{ enum: [...setting.values, ...Object.keys(setting.aliases ?? {}), null] }, EXPANSION], ...fallback };
    case 'list':
      return {
        type: ['array', 'null'],
        items: toSchema(setting.of),
        ...(setting.minItems !== undefined && { minItems: setting.minItems }),
        ...fallback,
      };
    case 'map':
      return { type: ['object', 'null'], additionalProperties: toSchema(setting.of), ...fallback };
    case 'section':
      return toSection(setting.keys);
    default:
      return {};
  }
}

interface Limited {
  readonly min?: number;
  readonly max?: number;
  readonly zeroIsDefault?: true;
}

function limits({ min, max, zeroIsDefault }: Limited): JsonSchema {
  return { ...(min !== undefined && { minimum: zeroIsDefault ? 0 : min }), ...(max !== undefined && { maximum: max }) };
}

function toMinimum(setting: Setting): number {
  return setting.type === 'duration' && !setting.zeroIsDefault ? (parseDurationNs(setting.min) ?? 0) : 0;
}
