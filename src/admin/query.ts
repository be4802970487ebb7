import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { AdminRoute, QueryParameter } from './route.ts';

type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The query by the table of the route. Unknown names are refused, because a misspelt `namespace` would act on the wrong one;
 * `ignored` is the parameter that carries the key. Throws `ADMIN_BAD_REQUEST`.
 */
export function parseQuery(route: AdminRoute, query: string, ignored: string | undefined): QueryValues {
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const parameter of route.query) values[parameter.name] = parameter.default;
  if (query === '') return values;
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === ignored) continue;
    const parameter = route.query.find((one) => one.name === name);
    if (parameter === undefined) throw unknownParameter(route, name);
    if (seen.has(name)) throw new SekishoError('ADMIN_BAD_REQUEST', `${name} is given twice`);
    seen.add(name);
    if (value !== '' || parameter.type !== 'string') values[name] = parseValue(parameter, value);
  }
  return values;
}

function parseValue(parameter: QueryParameter, text: string): string | number | boolean {
  const { name, minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = parameter;
  if (parameter.values?.includes(text) === false)
    throw new SekishoError('ADMIN_BAD_REQUEST', `${name} is ${parameter.values.join(' or ')}, not ${JSON.stringify(text.slice(0, 100))}`);
  if (parameter.type === 'string') return text;
  if (parameter.type === 'boolean') {
    if (text === 'true' || text === '1' || text === '') return true;
    if (text === 'false' || text === '0') return false;
    throw new SekishoError('ADMIN_BAD_REQUEST', `${name} must be true or false`);
  }
  if (!/^-?[0-9]{1,15}$/.test(text)) throw new SekishoError('ADMIN_BAD_REQUEST', `${name} must be an integer`);
  const value = Number(text);
  if (value < minimum || value > maximum)
    throw new SekishoError('ADMIN_BAD_REQUEST', `${name} must be between ${minimum} and ${maximum}, not ${value}`);
  return value;
}

function unknownParameter(route: AdminRoute, name: string): SekishoError {
  const known = route.query.map((parameter) => parameter.name);
  const near = nearest(name, known);
  const hint = near !== undefined ? `; did you mean ${near}?` : known.length > 0 ? `; known are ${known.join(', ')}` : '';
  return new SekishoError(
    'ADMIN_BAD_REQUEST',
    `${route.method} ${route.path} has no parameter ${JSON.stringify(name.slice(0, 100))}${hint}`,
  );
}
