import type { Duration } from '../lib/duration.ts';
import type { FormatName } from './formats.ts';

interface Described {
  /** One line for the reference and for editors. */
  readonly doc: string;
  readonly required?: true;
  /** Whose key it is; DGate's when absent. */
  readonly origin?: 'sekisho' | 'gohan';
}

/** One key of the configuration: its type, default, bounds and doc line. Types, validation, reference page and JSON Schema come from these. */
export type Setting =
  | TextSetting
  | (Described & { readonly type: 'bool'; readonly default?: boolean })
  /** `words` are accepted beside the number. With `zeroIsDefault`, 0 stands for the default (DGate: for no limit), whatever the bounds. */
  | (Described & {
      readonly type: 'int';
      readonly default?: number | string;
      readonly min?: number;
      readonly max?: number;
      readonly words?: readonly string[];
      readonly zeroIsDefault?: true;
    })
  /** A Go-style duration or an integer of nanoseconds; milliseconds in `Settings`, never negative. */
  | (Described & {
      readonly type: 'duration';
      readonly default?: string;
      readonly min?: string;
      readonly max?: string;
      readonly zeroIsDefault?: true;
    })
  /** A duration that is kept as it was written (fields of entities). */
  | (Described & { readonly type: 'span'; readonly default?: Duration })
  /** A number of bytes: an integer, or text such as `10MiB`. */
  | (Described & {
      readonly type: 'bytes';
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
      readonly zeroIsDefault?: true;
    })
  /** Letters count in either case. `aliases` are read as another value; `unavailable` values are refused with their own reason. */
  | (Described & {
      readonly type: 'enum';
      readonly values: readonly string[];
      readonly default?: string;
      readonly aliases?: Readonly<Record<string, string>>;
      readonly unavailable?: Readonly<Record<string, string>>;
    })
  /** A file or folder; absolute in `Settings`. `create` ones lie beside the configuration file, others are looked for there and then in the working directory. */
  | (Described & { readonly type: 'path'; readonly use: 'file' | 'folder' | 'create'; readonly default?: string })
  | (Described & { readonly type: 'list'; readonly of: Setting; readonly default?: readonly []; readonly minItems?: number })
  | (Described & {
      readonly type: 'map';
      readonly of: Setting;
      readonly keyFormat?: FormatName;
      readonly default?: Readonly<Record<string, never>>;
    })
  | SectionSetting
  /** Anything that YAML can say; only `${…}` in its texts is expanded. */
  | (Described & { readonly type: 'free' })
  /** Known, accepted with a warning and without effect: a coming version serves it. */
  | (Described & { readonly type: 'later' })
  /** Known, accepted with a warning and without effect: it means nothing here. */
  | (Described & { readonly type: 'ignored' });

/** `verbatim` text is never expanded; `secret` text is printed as `***`. */
export interface TextSetting extends Described {
  readonly type: 'string';
  readonly default?: string;
  readonly secret?: true;
  readonly verbatim?: true;
  readonly format?: FormatName;
}

/** A map of known keys. An `optional` one is absent unless written; others are filled with their defaults. */
interface SectionSetting extends Described {
  readonly type: 'section';
  readonly keys: SettingKeys;
  readonly optional?: true;
}

export type SettingKeys = Readonly<Record<string, Setting>>;

/** False for keys that are only accepted. */
export function hasEffect(setting: Setting | undefined): boolean {
  return setting !== undefined && setting.type !== 'later' && setting.type !== 'ignored';
}

/** `header_timeout` → `headerTimeout`. */
type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Rest}` ? `${Head}${Capitalize<CamelCase<Rest>>}` : Key;

/**
 * The property of a key in `Settings`: camelCase, with the unit where there is one. Durations get `Ms` (`header_timeout` → `headerTimeoutMs`),
 * sizes `Bytes` unless the key already says it (`write_buffer_size` → `writeBufferSizeBytes`, `max_body_bytes` → `maxBodyBytes`).
 */
type PropertyName<Key extends string, S> = S extends { readonly type: 'duration' }
  ? `${CamelCase<Key>}Ms`
  : S extends { readonly type: 'bytes' }
    ? Key extends `${string}_bytes`
      ? CamelCase<Key>
      : `${CamelCase<Key>}Bytes`
    : CamelCase<Key>;

/** `PropertyName` for running code. */
export function toPropertyName(key: string, type: Setting['type']): string {
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (type === 'duration') return `${camel}Ms`;
  return type === 'bytes' && !key.endsWith('_bytes') ? `${camel}Bytes` : camel;
}

/** The type of the value that a setting has in `Settings`. */
type SettingValue<S> = S extends { readonly type: 'string' | 'path' }
  ? string
  : S extends { readonly type: 'bool' }
    ? boolean
    : S extends { readonly type: 'int'; readonly words: readonly (infer Word)[] }
      ? number | Word
      : S extends { readonly type: 'int' | 'duration' | 'bytes' }
        ? number
        : S extends { readonly type: 'span' }
          ? Duration
          : S extends { readonly type: 'enum'; readonly values: readonly (infer Value)[] }
            ? Value
            : S extends { readonly type: 'list'; readonly of: infer Item }
              ? readonly SettingValue<Item>[]
              : S extends { readonly type: 'map'; readonly of: infer Item }
                ? Readonly<Record<string, SettingValue<Item>>>
                : S extends { readonly type: 'section'; readonly keys: infer Keys }
                  ? SectionValue<Keys>
                  : unknown;

type WithoutEffect = { readonly type: 'later' | 'ignored' };
type AlwaysThere = { readonly required: true } | { readonly default: unknown } | { readonly type: 'section'; readonly optional?: never };

/** The typed form of a table of keys: what has a default or is required is always there. */
export type SectionValue<Keys> = {
  readonly [K in keyof Keys & string as Keys[K] extends WithoutEffect
    ? never
    : Keys[K] extends AlwaysThere
      ? PropertyName<K, Keys[K]>
      : never]: SettingValue<Keys[K]>;
} & {
  readonly [K in keyof Keys & string as Keys[K] extends WithoutEffect | AlwaysThere ? never : PropertyName<K, Keys[K]>]?: SettingValue<
    Keys[K]
  >;
};
