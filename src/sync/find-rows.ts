import { allOf, type Filter } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource, Selection, Session } from '../sql/types.ts';
import type { TypeLayout } from './layout.ts';

const STATE_FIELDS = ['config_version', 'state_version', 'state_error', 'state', 'state_monitoring'];

/** The names of everything that a row of the type has, with the columns of its state. */
export function allFields(type: ResourceType): readonly string[] {
  const names = type.properties.map(({ name }) => name);
  return type.stateVersioning ? [...new Set([...names, ...STATE_FIELDS])] : names;
}

/** The rows of a type by their paths, as far as there are such. */
export async function findRows(
  session: Session,
  layout: TypeLayout,
  paths: readonly string[],
  lock: Selection['lock'] = 'none',
): Promise<ReadonlyMap<string, Resource>> {
  const wanted = new Map<string, Set<string>>();
  for (const path of paths)
    for (const [property, values] of Object.entries(layout.match(path) ?? {})) {
      const known = wanted.get(property) ?? new Set();
      for (const value of values) known.add(value);
      wanted.set(property, known);
    }
  const found = new Map<string, Resource>();
  if (wanted.size === 0) return found;
  const filters: Filter[] = [];
  // What renders empty may be null as well.
  for (const [property, values] of wanted)
    if (layout.type.propertyByName.has(property))
      filters.push({ kind: 'in', property, values: values.has('') ? [...values, null] : [...values] });
  const rows = await session.list(layout.type, { filter: allOf(filters), fields: allFields(layout.type), embed: false, lock });
  const asked = new Set(paths);
  for (const row of rows) {
    const path = layout.pathOf(row);
    if (asked.has(path)) found.set(path, row);
  }
  return found;
}

/** The properties of a row, without the columns of its state. */
export function toResource(type: ResourceType, row: Resource): Resource {
  return Object.fromEntries(type.properties.map(({ name }) => [name, row[name] ?? null]));
}
