import type { ResourceType } from '../schema/types.ts';
import { type Binding, bindFilter } from './bind-filter.ts';
import { keyOf, type Parameter } from './column.ts';
import { compileFilter, createWriter } from './compile-filter.ts';
import type { Dialect } from './dialect.ts';
import { type EmbedNode, growTree, toJoins } from './embed-tree.ts';
import type { StatementBook } from './statement-book.ts';

/** Compiles the statements that lock the rows which rows of a type embed. */
export interface LockCompiler {
  /** The statements for the rows of these ids, to be run in this order with the same parameters; none where the database has one writer. */
  bind(type: ResourceType, ids: readonly unknown[]): { readonly texts: readonly string[]; readonly parameters: readonly Parameter[] };
}

export function createLockCompiler(
  dialect: Dialect,
  resources: ReadonlyMap<string, ResourceType>,
  book: StatementBook<readonly string[]>,
): LockCompiler {
  return {
    bind(type, ids) {
      const binding: Binding = { dialect, type, parameters: [], key: '' };
      const filter = bindFilter(binding, { kind: 'in', property: keyOf(type), values: ids.filter(isKey) });
      const texts =
        book.find(type, binding.key) ??
        book.keep(type, binding.key, compile(dialect, growTree(type, resources, { embed: true, fields: undefined }), filter));
      return { texts, parameters: binding.parameters };
    },
  };
}

function isKey(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

function compile(dialect: Dialect, root: EmbedNode, filter: Parameters<typeof compileFilter>[1]): readonly string[] {
  if (dialect.relatedLock === 'none' || root.children.length === 0) return [];
  const where = compileFilter(createWriter(dialect, root.alias), filter);
  const from = `FROM ${dialect.quote(root.type.table)} ${root.alias}`;
  // Columns of all of them: MariaDB leaves out joins that nothing is selected from.
  if (dialect.relatedLock === 'joined')
    return [`SELECT ${keysBelow(dialect, root).join(',')} ${from}${toJoins(dialect, root)} WHERE ${where} FOR UPDATE`];
  // Rows on the nullable side of a join can't be locked: each relation by a statement of its own, outer ones first, so that inner ones can't change meanwhile.
  const texts: string[] = [];
  const queue: { readonly node: EmbedNode; readonly joined: string }[] = [{ node: root, joined: from }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { node, joined } = next;
    for (const { from: column, to, node: inner } of node.children) {
      const [table, key] = [dialect.quote(inner.type.table), dialect.quote(to)];
      const own = `${node.alias}.${dialect.quote(column)}`;
      // In one order everywhere, so that two that lock the same rows do not wait for each other.
      texts.push(`SELECT 1 FROM ${table} r WHERE r.${key} IN (SELECT ${own} ${joined} WHERE ${where}) ORDER BY r.${key} FOR UPDATE`);
      queue.push({ node: inner, joined: `${joined} JOIN ${table} ${inner.alias} ON ${inner.alias}.${key} = ${own}` });
    }
  }
  return texts;
}

function keysBelow(dialect: Dialect, node: EmbedNode): readonly string[] {
  return node.children.flatMap(({ to, node: inner }) => [`${inner.alias}.${dialect.quote(to)}`, ...keysBelow(dialect, inner)]);
}
