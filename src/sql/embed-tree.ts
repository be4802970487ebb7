import type { ResourceType } from '../schema/types.ts';
import { type Column, findColumn, keyOf, toColumnKind } from './column.ts';
import type { Dialect } from './dialect.ts';

/** A row that is selected: the columns to show, and the related rows that are embedded in it. */
export interface EmbedNode {
  readonly type: ResourceType;
  readonly alias: string;
  readonly columns: readonly Column[];
  readonly children: readonly EmbedChild[];
}

export interface EmbedChild {
  /** Name under which the row is embedded. */
  readonly name: string;
  /** Column of the outer row, and the column of the embedded one that it refers to. */
  readonly from: string;
  readonly to: string;
  readonly node: EmbedNode;
}

/** SQLite joins 64 tables, MySQL 61. */
const MAX_JOINS = 55;
const MAX_DEPTH = 5;

interface Draft {
  readonly type: ResourceType;
  readonly alias: string;
  readonly path: readonly string[];
  readonly children: { name: string; from: string; to: string; node: Draft }[];
}

/**
 * The tree of rows that a selection shows. Relations are embedded breadth first, each type once per path, so that cycles end and a type that
 * refers to itself shows one row of its own; to a bounded depth and number. With `fields`, only what they ask for.
 */
export function growTree(
  type: ResourceType,
  resources: ReadonlyMap<string, ResourceType>,
  options: { readonly embed: boolean; readonly fields: readonly string[] | undefined },
): EmbedNode {
  const root: Draft = { type, alias: 't0', path: [], children: [] };
  if (options.embed) grow(root, resources);
  const fields = options.fields === undefined ? undefined : new Set(options.fields);
  return finish(root, fields, true) ?? { type, alias: 't0', columns: allColumns(type), children: [] };
}

/** The joins of all rows below a node. */
export function toJoins(dialect: Dialect, node: EmbedNode): string {
  return node.children
    .map(({ from, to, node: inner }) => {
      const on = `${inner.alias}.${dialect.quote(to)} = ${node.alias}.${dialect.quote(from)}`;
      return ` LEFT JOIN ${dialect.quote(inner.type.table)} ${inner.alias} ON ${on}${toJoins(dialect, inner)}`;
    })
    .join('');
}

function grow(root: Draft, resources: ReadonlyMap<string, ResourceType>): void {
  const queue: Draft[] = [root];
  let joins = 0;
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    if (node.path.length >= MAX_DEPTH) continue;
    for (const property of node.type.properties) {
      const relation = property.relation;
      if (relation?.embedAs === undefined || node.path.includes(relation.schemaId)) continue;
      const target = resources.get(relation.schemaId);
      if (target === undefined || joins >= MAX_JOINS) continue;
      joins += 1;
      const child: Draft = { type: target, alias: `t${joins}`, path: [...node.path, target.id], children: [] };
      node.children.push({ name: relation.embedAs, from: property.name, to: relation.column, node: child });
      queue.push(child);
    }
  }
}

/** Undefined when nothing of the node is wanted. */
function finish(draft: Draft, fields: ReadonlySet<string> | undefined, isRoot: boolean): EmbedNode | undefined {
  const children: EmbedChild[] = [];
  for (const child of draft.children) {
    const node = finish(child.node, fields, false);
    if (node !== undefined) children.push({ ...child, node });
  }
  const columns = fields === undefined ? allColumns(draft.type) : chosenColumns(draft.type, fields, isRoot);
  if (!isRoot && columns.length === 0 && children.length === 0) return undefined;
  return { type: draft.type, alias: draft.alias, columns, children };
}

function allColumns(type: ResourceType): Column[] {
  const key = keyOf(type);
  return type.properties.map((property) => ({
    name: property.name,
    kind: toColumnKind(property),
    isNullable: property.isColumnNullable && property.name !== key,
  }));
}

/** In the order of the fields. */
function chosenColumns(type: ResourceType, fields: ReadonlySet<string>, isRoot: boolean): Column[] {
  const columns = new Map<string, Column>();
  for (const field of fields) {
    const name = field.startsWith(`${type.id}.`) ? field.slice(type.id.length + 1) : isRoot ? field : undefined;
    const column = name === undefined ? undefined : findColumn(type, name);
    if (column !== undefined) columns.set(column.name, column);
  }
  return [...columns.values()];
}
