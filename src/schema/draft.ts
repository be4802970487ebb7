import { type Cursor, isMap, mapAt, type PlainMap, textAt, textsAt } from './cursor.ts';

/** A schema as its file has it, before its bases are merged in. */
export interface Draft {
  readonly id: string;
  readonly cursor: Cursor;
  readonly isAbstract: boolean;
  readonly bases: readonly string[];
  /** Bases whose properties come behind its own. */
  readonly ownFirst: readonly string[];
  /** Empty texts for what is not given. */
  readonly parent: string;
  readonly group: string;
  readonly prefix: string;
  readonly properties: ReadonlyMap<string, Cursor>;
  readonly required: readonly string[];
  readonly order: readonly string[];
  readonly actions: ReadonlyMap<string, Cursor>;
  readonly indexes: ReadonlyMap<string, { readonly cursor: Cursor; readonly isInherited: boolean }>;
  readonly metadata: PlainMap;
  readonly isolation: PlainMap;
  readonly definitions: PlainMap;
  /** Other keywords of its JSON schema. They are not inherited. */
  readonly keywords: PlainMap;
}

/** Reads a schema; what is wrong with it is reported by `checkSchema`. */
export function toDraft(cursor: Cursor): Draft {
  const schema = cursor.at('schema');
  const {
    properties: _properties,
    propertiesOrder: _order,
    required: _required,
    indexes: _indexes,
    definitions: _definitions,
    ...keywords
  } = isMap(schema.value) ? schema.value : {};
  return {
    id: textAt(cursor, 'id'),
    cursor,
    isAbstract: textAt(cursor, 'type') === 'abstract',
    bases: textsAt(cursor, 'extends'),
    ownFirst: textsAt(cursor, 'order_properties_before'),
    parent: textAt(cursor, 'parent'),
    group: textAt(cursor, 'namespace'),
    prefix: textAt(cursor, 'prefix'),
    properties: new Map(schema.at('properties').entries()),
    required: textsAt(schema, 'required'),
    order: textsAt(schema, 'propertiesOrder'),
    actions: new Map(cursor.at('actions').entries()),
    indexes: new Map(
      schema
        .at('indexes')
        .entries()
        .map(([name, index]) => [name, { cursor: index, isInherited: false }]),
    ),
    metadata: mapAt(cursor, 'metadata'),
    isolation: mapAt(cursor, 'isolation_level'),
    definitions: mapAt(schema, 'definitions'),
    keywords,
  };
}

/**
 * A schema with one of its bases merged in: its own properties, actions, metadata and levels win whole; what the base requires and orders comes first, or behind its own
 * order when the base is in `ownFirst`; parent, prefix and group are taken when it has none; indexes too.
 */
export function extendDraft(own: Draft, base: Draft): Draft {
  const inherited = [...base.indexes].map(([name, { cursor }]) => [name, { cursor, isInherited: true }] as const);
  return {
    ...own,
    parent: own.parent || base.parent,
    group: own.group || base.group,
    prefix: own.prefix || base.prefix,
    properties: new Map([...base.properties, ...own.properties]),
    required: union(base.required, own.required),
    order: own.ownFirst.includes(base.id) ? union(own.order, base.order) : union(base.order, own.order),
    actions: new Map([...base.actions, ...own.actions]),
    indexes: new Map([...inherited, ...own.indexes]),
    metadata: { ...base.metadata, ...own.metadata },
    isolation: { ...base.isolation, ...own.isolation },
    definitions: { ...base.definitions, ...own.definitions },
  };
}

function union(first: readonly string[], second: readonly string[]): readonly string[] {
  return [...new Set([...first, ...second])];
}
