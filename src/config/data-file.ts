import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { SekishoError } from '../lib/errors.ts';

/** The map in a YAML or JSON file. Throws CONFIG_INVALID, which names the file, when it can't be read or has something else. */
export function readDataFile(path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    // Numbers beyond 2^53 would lose digits as numbers.
    value = parse(readFileSync(path, 'utf8'), (_key, each: unknown) => (typeof each === 'bigint' ? fromBigInt(each) : each), {
      intAsBigInt: true,
    });
  } catch (error) {
    throw new SekishoError('CONFIG_INVALID', `${path}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw new SekishoError('CONFIG_INVALID', `${path}: expected a map of table names`);
}

function fromBigInt(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
