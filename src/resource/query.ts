import type { Permit } from '../policy/types.ts';
import { allOf, type Filter } from '../schema/filter.ts';
import { LIST_PARAMETERS } from '../schema/query-parameters.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Selection } from '../sql/types.ts';
import { parseFilterName, parseFilters } from './filter-parameters.ts';
import type { Models } from './models.ts';
import { badQuery, first, type Parameters, parseBool, parseCount, refuseUnknown } from './parameters.ts';
import { ownName } from './show-filter.ts';

type Sort = NonNullable<Selection['sort']>;

/** What a list asks for, checked and made fit for SQL. */
export interface ListQuery {
  readonly filter: Filter;
  readonly sort: Sort;
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  /** Keyset paging, when asked for. */
  readonly pageSize: number | undefined;
  readonly pageToken: string | undefined;
  readonly fields: readonly string[] | undefined;
  readonly embed: boolean;
  /** The arguments that a page token is bound to. */
  readonly fingerprint: string;
}

/** Checks the parameters of a list against the type and what the caller may see. Throws QUERY_INVALID. */
export function parseListQuery(models: Models, type: ResourceType, permit: Permit, parameters: Parameters, maxPageSize: number): ListQuery {
  const known = Object.keys(LIST_PARAMETERS);
  refuseUnknown(parameters, (name) => known.includes(name) || parseFilterName(type, name) !== undefined, [
    ...known,
    ...type.properties.map(({ name }) => name).filter((name) => permit.seesProperty(name)),
  ]);
  const filterParameters = new Map([...parameters].filter(([name]) => !known.includes(name)));
  const filter = parseFilters(type, filterParameters, {
    sees: permit.seesProperty,
    searched: parseSearch(type, parameters),
    isAnyOf: parseAnyOf(parameters),
  });
  const paging = parsePaging(parameters, maxPageSize);
  return {
    filter: allOf([models.access.reach(permit, type), filter]),
    sort: parseSort(type, permit, parameters),
    ...paging,
    ...parseShape(models, type, permit, parameters),
    fingerprint: toFingerprint(type, parameters),
  };
}

/** `_fields` and `_details`, which lists and single resources both have. */
export function parseShape(
  models: Models,
  type: ResourceType,
  permit: Permit,
  parameters: Parameters,
): { readonly fields: readonly string[] | undefined; readonly embed: boolean } {
  const embed = parseBool(first(parameters, '_details')) ?? true;
  const asked = parameters.get('_fields')?.flatMap((value) => value.split(','));
  if (asked === undefined) return { fields: undefined, embed };
  const { embeds } = models.planOf(type);
  const fields = [...new Set(asked)].flatMap((field) => {
    const own = ownName(type, field);
    if (own !== undefined) return permit.seesProperty(own) ? [own] : [];
    const dot = field.indexOf('.');
    return dot > 0 && embeds.length > 0 && models.schemas.resources.get(field.slice(0, dot))?.propertyByName.has(field.slice(dot + 1))
      ? [field]
      : [];
  });
  if (fields.length === 0) throw badQuery(`_fields: none of ${asked.join(', ')} is a property that can be shown.`);
  return { fields, embed: embed && fields.some((field) => field.includes('.')) };
}

function parseSort(type: ResourceType, permit: Permit, parameters: Parameters): Sort {
  const list = parameters.get('sort')?.flatMap((value) => value.split(','));
  if (list !== undefined) return distinct(list.map((part) => toSort(type, permit, ...splitSort(part))));
  const key = first(parameters, 'sort_key');
  const order = first(parameters, 'sort_order') ?? 'asc';
  if (key !== undefined) return distinct(key.split(',').map((name) => toSort(type, permit, name, order)));
  const hasId = type.propertyByName.has('id');
  return [{ property: hasId ? 'id' : (type.properties[0]?.name ?? 'id'), descending: isDescending(order) }];
}

function splitSort(part: string): [name: string, order: string] {
  const colon = part.lastIndexOf(':');
  if (colon >= 0) return [part.slice(0, colon), part.slice(colon + 1)];
  return part.startsWith('-') ? [part.slice(1), 'desc'] : [part, 'asc'];
}

/** A hidden property is none to the caller: the order of rows would tell about its values. */
function toSort(type: ResourceType, permit: Permit, name: string, order: string): Sort[number] {
  if (!type.propertyByName.has(name) || !(permit.seesProperty(name) || name === 'id')) {
    throw badQuery(`Schema ${type.id} has no property ${name} which can used as sorting key`);
  }
  return { property: name, descending: isDescending(order) };
}

function isDescending(order: string): boolean {
  if (order !== 'asc' && order !== 'desc') throw badQuery(`Unknown sort order ${order}`);
  return order === 'desc';
}

function parseSearch(type: ResourceType, parameters: Parameters): ReadonlySet<string> {
  const searched = new Set(parameters.get('search_field')?.flatMap((value) => value.split(',')));
  for (const name of searched) {
    if (!type.propertyByName.has(name)) throw badQuery(`search_field: ${name} is no property of ${type.id}`);
    if (!parameters.has(name)) throw badQuery(`search value for \`${name}\` not available in URL`);
  }
  return searched;
}

/** As in Gohan it counts only when it is given once. */
function parseAnyOf(parameters: Parameters): boolean {
  const values = parameters.get('any_of');
  return values?.length === 1 && parseBool(values[0]) === true;
}

function parsePaging(parameters: Parameters, maxPageSize: number): Pick<ListQuery, 'limit' | 'offset' | 'pageSize' | 'pageToken'> {
  const limit = parseCount(parameters, 'limit');
  const offset = parseCount(parameters, 'offset');
  const wanted = parseCount(parameters, 'page_size');
  const pageToken = first(parameters, 'page_token');
  const isKeyset = wanted !== undefined || pageToken !== undefined;
  if (isKeyset && (limit !== undefined || offset !== undefined)) throw badQuery('page_size and page_token exclude limit and offset.');
  // A page too large is made smaller, not refused (AIP-158).
  const pageSize = isKeyset ? Math.min(wanted === undefined || wanted === 0 ? DEFAULT_PAGE_SIZE : wanted, maxPageSize) : undefined;
  return { limit, offset, pageSize, pageToken };
}

const DEFAULT_PAGE_SIZE = 100;

function toFingerprint(type: ResourceType, parameters: Parameters): string {
  const bound = [...parameters].filter(([name]) => name !== 'page_token' && name !== 'page_size');
  return JSON.stringify([type.id, bound.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** A property that is named again orders nothing any more. */
function distinct(sort: Sort): Sort {
  return sort.filter(({ property }, index) => sort.findIndex((other) => other.property === property) === index);
}
