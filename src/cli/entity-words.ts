import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../lib/nearest.ts';
import { decodeValue } from './decode.ts';
import { usageFailure } from './failure.ts';
import type { CliField } from './kinds.ts';
import { parseWords } from './words.ts';

export interface EntityWordsOptions {
  /** The keys that are known here, in the order of the result. */
  readonly fields: readonly CliField[];
  /** The key that one word without an operator stands for; absent: such words are errors. */
  readonly positional?: string;
  /** Values of keys that no word sets. */
  readonly defaults?: Readonly<Record<string, string | undefined>>;
  /** Folder that `key@=file` is relative to. */
  readonly cwd: string;
}

/** Reads `key=value` words into typed values by the fields. Throws a usage `Failure` that lists every problem. */
export function parseEntityWords(words: readonly string[], options: EntityWordsOptions): Readonly<Record<string, unknown>> {
  const { fields, positional, defaults = {} } = options;
  const parsed = parseWords(words, (path) => readFileSync(resolve(options.cwd, path)));
  const values = new Map(parsed.values);
  const problems: string[] = [];

  const [first, ...more] = parsed.rest;
  if (positional && first !== undefined && !values.has(positional)) values.set(positional, { form: 'text', value: first });
  else if (first !== undefined) more.unshift(first);
  if (more.length > 0) problems.push(`words without a value: ${more.join(', ')}; write key=value, key:=json or key@=file`);

  for (const [key, value] of Object.entries(defaults)) {
    if (value !== undefined && !values.has(key)) values.set(key, { form: 'text', value });
  }
  problems.push(...unknownKeys(values.keys(), fields));
  const missing = fields.filter((field) => field.isRequired && !values.has(field.name)).map((field) => field.name);
  if (missing.length > 0) problems.push(`missing required keys: ${missing.join(', ')}`);

  const result: Record<string, unknown> = {};
  for (const field of fields) {
    const written = values.get(field.name);
    if (!written) continue;
    const decoded = decodeValue(field.type, written);
    if ('problem' in decoded) problems.push(`${field.name}: ${decoded.problem}`);
    else result[field.name] = decoded.value;
  }
  if (problems.length > 0) throw usageFailure(...problems);
  return result;
}

function unknownKeys(keys: Iterable<string>, fields: readonly CliField[]): readonly string[] {
  const known = fields.map((field) => field.name);
  return [...keys]
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      return `unknown key '${key}'${meant ? `; did you mean ${meant}?` : ''} (known: ${known.join(', ')})`;
    });
}
