import { isDeepStrictEqual } from 'node:util';
import type { Index, Property, ResourceType, SchemaSet } from './types.ts';

/** One difference between two sets. `needs` tells why the tables do not fit any more; undefined: they do, or become so by an addition. */
export interface SchemaChange {
  /** Schema, group, policy or extension. */
  readonly kind: 'schema' | 'property' | 'index' | 'group' | 'policy' | 'extension';
  readonly id: string;
  readonly what: 'added' | 'removed' | 'changed';
  readonly detail: string;
  readonly needs?: string;
}

export interface SetDiff {
  readonly changes: readonly SchemaChange[];
  /** A running server can take over the next set: its tables fit, at most tables, columns and indexes are added. */
  readonly isCompatible: boolean;
  /** Why not, one text per obstacle. */
  readonly obstacles: readonly string[];
}

/** What changed from `previous` to `next`, and whether that can be loaded while the server runs. */
export function diffSets(previous: SchemaSet, next: SchemaSet): SetDiff {
  const changes: SchemaChange[] = [];
  for (const type of next.resources.values()) {
    const before = previous.resources.get(type.id);
    if (before === undefined) changes.push({ kind: 'schema', id: type.id, what: 'added', detail: `table ${type.table}` });
    else changes.push(...diffTypes(before, type));
  }
  // The table of a schema that is gone stays as it is.
  const renamed = new Set([...next.resources.values()].map(({ renamedFrom }) => renamedFrom));
  for (const { id, table } of previous.resources.values()) {
    if (next.resources.has(id)) continue;
    const needs = renamed.has(table) ? { needs: 'it is renamed: its table has to be' } : {};
    changes.push({ kind: 'schema', id, what: 'removed', detail: 'its table stays', ...needs });
  }
  changes.push(...diffById('group', previous.groups, next.groups));
  changes.push(...diffById('policy', previous.policies, next.policies));
  changes.push(...diffById('extension', previous.extensions, next.extensions));
  const before = previous.policies.map(({ id }) => id);
  const after = next.policies.map(({ id }) => id);
  if (before.length === after.length && !isDeepStrictEqual(before, after) && isDeepStrictEqual(before.toSorted(), after.toSorted()))
    changes.push({ kind: 'policy', id: '*', what: 'changed', detail: 'their order' });
  const obstacles = changes.flatMap(({ kind, id, needs }) => (needs === undefined ? [] : [`${kind} ${id}: ${needs}`]));
  return { changes, isCompatible: obstacles.length === 0, obstacles };
}

function diffTypes(before: ResourceType, after: ResourceType): SchemaChange[] {
  const { id } = after;
  if (before.table !== after.table)
    return [
      {
        kind: 'schema',
        id,
        what: 'changed',
        detail: `table ${before.table} → ${after.table}`,
        needs: `its table is ${before.table}, not ${after.table}`,
      },
    ];
  const changes: SchemaChange[] = [];
  if (before.stateVersioning !== after.stateVersioning)
    changes.push({
      kind: 'schema',
      id,
      what: 'changed',
      detail: 'state_versioning',
      ...(after.stateVersioning && { needs: 'its table has no columns for the state' }),
    });
  for (const property of after.properties) changes.push(...diffProperty(after, before.propertyByName.get(property.name), property));
  for (const property of before.properties) {
    if (after.propertyByName.has(property.name)) continue;
    const isRenamed = after.properties.some(({ renamedFrom }) => renamedFrom === property.name);
    changes.push({
      kind: 'property',
      id: `${id}.${property.name}`,
      what: 'removed',
      detail: 'its column stays',
      ...(isRenamed
        ? { needs: 'it is renamed: the column has to be' }
        : !property.isColumnNullable && { needs: 'its column may not be null, so that new rows would be refused' }),
    });
  }
  changes.push(...diffIndexes(before, after));
  if (changes.length === 0 && !isDeepStrictEqual(shapeOf(before), shapeOf(after)))
    changes.push({ kind: 'schema', id, what: 'changed', detail: 'URL, labels, actions, metadata or rules' });
  return changes;
}

function diffProperty({ id: typeId }: ResourceType, before: Property | undefined, after: Property): SchemaChange[] {
  const id = `${typeId}.${after.name}`;
  if (before === undefined) {
    const isStrict = !after.isColumnNullable && after.defaultValue === undefined;
    return [
      {
        kind: 'property',
        id,
        what: 'added',
        detail: `a column of type ${after.type}`,
        ...(isStrict && { needs: 'it may not be null and has no default, but rows without it may be there' }),
      },
    ];
  }
  if (isDeepStrictEqual(before, after)) return [];
  const needs = columnNeeds(before, after);
  return [{ kind: 'property', id, what: 'changed', detail: changedKeys(before, after).join(', '), ...(needs !== undefined && { needs }) }];
}

/** What would have to be done to the column; undefined when it fits. */
function columnNeeds(before: Property, after: Property): string | undefined {
  if (before.type !== after.type) return `its column holds ${before.type}, not ${after.type}`;
  if (before.sql !== after.sql) return 'its column has another SQL type';
  if (before.isColumnNullable && !after.isColumnNullable) return 'its column may be null, and rows may be so';
  if (!before.isColumnNullable && after.isColumnNullable) return 'its column may not be null';
  if (before.isUnique !== after.isUnique) return after.isUnique ? 'its values may not be unique' : 'its column is unique';
  const target = ({ relation }: Property): unknown => relation && [relation.schemaId, relation.column, relation.onDeleteCascade];
  return isDeepStrictEqual(target(before), target(after)) ? undefined : 'its foreign key is another one';
}

function changedKeys(before: Property, after: Property): string[] {
  const keys = new Set([...Object.keys(before.schema), ...Object.keys(after.schema)]);
  const changed = [...keys].filter((key) => !isDeepStrictEqual(before.schema[key], after.schema[key]));
  return changed.length > 0 ? changed : ['whether it is required'];
}

function diffIndexes(before: ResourceType, after: ResourceType): SchemaChange[] {
  const old = new Map(before.indexes.map((index) => [index.name, index]));
  const now = new Set(after.indexes.map(({ name }) => name));
  const describe = ({ columns, type }: Index): string => `${type}${type === '' ? '' : ' '}(${columns.join(', ')})`;
  const found: SchemaChange[] = [];
  for (const index of after.indexes) {
    const was = old.get(index.name);
    const id = `${after.id}.${index.name}`;
    if (was === undefined)
      found.push({
        kind: 'index',
        id,
        what: 'added',
        detail: describe(index),
        ...(index.type === 'unique' && { needs: 'rows that are there may break it' }),
      });
    else if (!isDeepStrictEqual(was, index))
      found.push({
        kind: 'index',
        id,
        what: 'changed',
        detail: `${describe(was)} → ${describe(index)}`,
        needs: 'the index is another one',
      });
  }
  for (const index of before.indexes) {
    if (!now.has(index.name))
      found.push({
        kind: 'index',
        id: `${after.id}.${index.name}`,
        what: 'removed',
        detail: describe(index),
        ...(index.type === 'unique' && { needs: 'the index still refuses values that are there already' }),
      });
  }
  return found;
}

/** What is not told by properties and indexes. */
function shapeOf({ place: _place, properties, propertyByName: _byName, indexes: _indexes, ...rest }: ResourceType): unknown {
  return { ...rest, order: properties.map(({ name }) => name) };
}

function diffById<Item extends { readonly id: string }>(
  kind: 'group' | 'policy' | 'extension',
  before: readonly Item[],
  after: readonly Item[],
): SchemaChange[] {
  const old = new Map(before.map((item) => [item.id, item]));
  const now = new Map(after.map((item) => [item.id, item]));
  const withoutPlace = (item: Item | undefined): unknown => item && { ...item, place: '' };
  return [
    ...after.flatMap((item): SchemaChange[] => {
      const was = old.get(item.id);
      if (was === undefined) return [{ kind, id: item.id, what: 'added', detail: '' }];
      return isDeepStrictEqual(withoutPlace(was), withoutPlace(item)) ? [] : [{ kind, id: item.id, what: 'changed', detail: '' }];
    }),
    ...before.filter(({ id }) => !now.has(id)).map(({ id }): SchemaChange => ({ kind, id, what: 'removed', detail: '' })),
  ];
}
