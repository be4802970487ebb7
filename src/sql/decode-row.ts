import { fromStored } from './column.ts';
import type { EmbedNode } from './embed-tree.ts';
import type { Resource } from './types.ts';

/** A row as drivers give it: values by position. */
export type RowValues = readonly unknown[];

/** A node of the tree with the places of its values in the row. */
interface Layout {
  readonly columns: readonly { readonly name: string; readonly kind: EmbedNode['columns'][number]['kind']; readonly index: number }[];
  readonly children: readonly { readonly name: string; readonly presence: number; readonly layout: Layout }[];
}

/** The order in which a SELECT must list its expressions, and how a row of them becomes a resource. */
export interface RowShape {
  /** `[alias, column]` by position. */
  readonly expressions: readonly (readonly [alias: string, column: string])[];
  readonly decode: (row: RowValues) => Resource;
}

/** Lays a tree out: the root's columns, then each embedded row's, led by the column that tells whether it is there. */
export function layOut(root: EmbedNode): RowShape {
  const expressions: [string, string][] = [];
  const place = (alias: string, column: string): number => expressions.push([alias, column]) - 1;
  const walk = (node: EmbedNode): Layout => ({
    columns: node.columns.map((column) => ({ name: column.name, kind: column.kind, index: place(node.alias, column.name) })),
    children: node.children.map((child) => ({
      name: child.name,
      presence: place(child.node.alias, child.to),
      layout: walk(child.node),
    })),
  });
  const layout = walk(root);
  return { expressions, decode: (row) => build(layout, row) };
}

function build(layout: Layout, row: RowValues): Resource {
  const resource: Record<string, unknown> = {};
  for (const column of layout.columns) resource[column.name] = fromStored(column.kind, row[column.index]);
  for (const child of layout.children) {
    const presence = row[child.presence];
    resource[child.name] = presence === null || presence === undefined ? null : build(child.layout, row);
  }
  return resource;
}
