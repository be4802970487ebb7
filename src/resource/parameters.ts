import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';

/** Query parameters by name, with all values in order. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

const NONE: Parameters = new Map();

/** Parses what follows `?`; `+` is a space. Bad escapes stay as they are. */
export function parseParameters(query: string): Parameters {
  if (query === '') return NONE;
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

export function badQuery(detail: string): SekishoError {
  return new SekishoError('QUERY_INVALID', detail);
}

/** Throws QUERY_INVALID for the first name that is not known. */
export function refuseUnknown(parameters: Parameters, isKnown: (name: string) => boolean, known: readonly string[]): void {
  const unknown = [...parameters.keys()].filter((name) => !isKnown(name));
  if (unknown.length === 0) return;
  const meant = nearest(unknown[0] as string, known);
  const shown = unknown.map((name) => `${name}:[${(parameters.get(name) ?? []).join(' ')}]`).join(' ');
  throw badQuery(`Unrecognized query parameters: map[${shown}]${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}

/** The one value of a parameter: the first, as Gohan takes it. */
export function first(parameters: Parameters, name: string): string | undefined {
  return parameters.get(name)?.[0];
}

/** A whole number that is not negative. */
export function parseCount(parameters: Parameters, name: string): number | undefined {
  const text = first(parameters, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badQuery(`${name}: found ${JSON.stringify(text)}, expected a whole number that is not negative.`);
  return Number(text);
}

/** Go's ParseBool; undefined when it is none of its words. */
export function parseBool(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}
