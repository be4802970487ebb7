import type { ResourceType } from '../schema/types.ts';
import { type Binding, type BoundFilter, bindFilter } from './bind-filter.ts';
import type { Column, Parameter } from './column.ts';
import { compileFilter, createWriter, nameOf, type Writer } from './compile-filter.ts';
import { layOut, type RowShape, type RowValues } from './decode-row.ts';
import type { Dialect } from './dialect.ts';
import { type EmbedNode, growTree, toJoins } from './embed-tree.ts';
import { compileKeyset, type SortKey, toKeysetValues, toSortKeys } from './keyset.ts';
import type { StatementBook } from './statement-book.ts';
import type { Resource, Selection } from './types.ts';

/** The text of a statement with what its rows become; the same object for every request of its shape. */
export interface SelectPlan {
  readonly text: string;
  readonly decode: (row: RowValues) => Resource;
  /** Rows are ready JSON: see `JsonBuilder.list`. */
  readonly isJson: boolean;
  /** The statement that gives the number of all rows too, once it was made. */
  counted?: string;
}

export interface BoundSelect {
  readonly plan: SelectPlan;
  readonly parameters: readonly Parameter[];
}

/** `page`: sorted and paged rows; `one`: neither; `json`: like `page`, as JSON; `count`: their number alone, `some`: up to the limit, `guess`: by the planner. */
export type SelectMode = 'page' | 'one' | 'json' | 'count' | 'some' | 'guess';

/** Compiles selections of one set of schemas for one database. Text is made once per shape of a request. */
export interface SelectCompiler {
  bind(type: ResourceType, selection: Selection, mode: SelectMode): BoundSelect;
}

export function createSelectCompiler(
  dialect: Dialect,
  resources: ReadonlyMap<string, ResourceType>,
  book: StatementBook<SelectPlan>,
): SelectCompiler {
  return {
    bind(type, selection, mode) {
      const binding: Binding = { dialect, type, parameters: [], key: '' };
      const filter = bindFilter(binding, selection.filter);
      const isPaged = mode === 'page' || mode === 'json';
      const keys = isPaged ? toSortKeys(type, selection.sort) : [];
      const after = isPaged && selection.after !== undefined ? toKeysetValues(keys, selection.after) : undefined;
      const key = `${shapeOf(selection, mode, after)}${binding.key}`;
      const found = book.find(type, key);
      const writer = createWriter(dialect, 't0');
      const emit = (column: Column, value: Parameter): string => {
        binding.parameters.push(dialect.bind(value, column.kind));
        return writer.next(column.kind);
      };
      const comparable = (column: Column): string => dialect.comparable(nameOf(writer, column.name), column.kind);
      const where = found === undefined ? compileFilter(writer, filter) : '';
      const beyond = after === undefined ? '' : compileKeyset(keys, after, comparable, emit);
      if ((isPaged || mode === 'some') && selection.limit !== undefined) binding.parameters.push(dialect.bind(selection.limit, 'integer'));
      if (isPaged && selection.offset !== undefined) binding.parameters.push(dialect.bind(selection.offset, 'integer'));
      const plan = found ?? book.keep(type, key, compile({ writer, type, selection, mode, filter, where, beyond, keys, resources }));
      return { plan, parameters: binding.parameters };
    },
  };
}

interface Draft {
  readonly writer: Writer;
  readonly type: ResourceType;
  readonly selection: Selection;
  readonly mode: SelectMode;
  readonly filter: BoundFilter;
  readonly where: string;
  readonly beyond: string;
  readonly keys: readonly SortKey[];
  readonly resources: ReadonlyMap<string, ResourceType>;
}

function shapeOf(selection: Selection, mode: SelectMode, after: readonly Parameter[] | undefined): string {
  const sort = selection.sort === undefined ? '' : selection.sort.map((key) => `${key.descending ? '-' : '+'}${key.property}`).join(',');
  const nulls = after === undefined ? '' : after.map((value) => (value === null ? 'n' : 'v')).join('');
  const paging = `${selection.limit === undefined ? '' : 'l'}${selection.offset === undefined ? '' : 'o'}`;
  return `${mode}|${selection.fields?.join(',') ?? '*'}|${selection.embed === false ? '' : 'e'}|${sort}|${paging}|${nulls}|${selection.lock ?? ''}|`;
}

function compile(draft: Draft): SelectPlan {
  const { writer, type, selection, mode } = draft;
  const { dialect } = writer;
  const where = toWhere(draft);
  const from = `FROM ${dialect.quote(type.table)} t0`;
  if (mode === 'count') return { text: `SELECT count(*) ${from}${where}`, decode: () => ({}), isJson: false };
  if (mode === 'some')
    return { text: `SELECT count(*) FROM (SELECT 1 ${from}${where}${toPage(draft)}) s`, decode: () => ({}), isJson: false };
  if (mode === 'guess') return { text: dialect.estimate?.explain(`SELECT 1 ${from}${where}`) ?? '', decode: () => ({}), isJson: false };
  const tree = growTree(type, draft.resources, { embed: selection.embed !== false, fields: selection.fields });
  const joins = toJoins(dialect, tree);
  const tail = `${from}${joins}${where}${toOrder(draft)}${toPage(draft)}${dialect.lock(selection.lock ?? 'none', 't0')}`;
  const shape = layOut(tree);
  if (mode === 'json' && dialect.json !== undefined && widthOf(tree) <= dialect.json.maxPairs) {
    return { text: dialect.json.list(toPairs(dialect, tree), tail), decode: shape.decode, isJson: true };
  }
  return { text: `SELECT ${toExpressions(dialect, shape)} ${tail}`, decode: shape.decode, isJson: false };
}

function toWhere({ filter, where, beyond }: Draft): string {
  const parts = [filter.kind === 'true' ? '' : where, beyond].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`;
}

function toExpressions(dialect: Dialect, shape: RowShape): string {
  return shape.expressions.length === 0 ? '1' : shape.expressions.map(([alias, column]) => `${alias}.${dialect.quote(column)}`).join(',');
}

function toOrder({ writer, keys }: Draft): string {
  if (keys.length === 0) return '';
  const { dialect } = writer;
  const words = keys.map(({ column, isDescending }) => {
    const expression = dialect.comparable(nameOf(writer, column.name), column.kind);
    return expression + dialect.direction(isDescending, column.isNullable);
  });
  return ` ORDER BY ${words.join(',')}`;
}

function toPage({ writer, selection, mode }: Draft): string {
  if (mode !== 'page' && mode !== 'json' && mode !== 'some') return '';
  const limit = selection.limit === undefined ? undefined : writer.next();
  return writer.dialect.page(limit, selection.offset === undefined ? undefined : writer.next());
}

/** Names and JSON values of a node, its embedded rows as objects. */
function toPairs(dialect: Dialect, node: EmbedNode): (readonly [string, string])[] {
  const { json } = dialect;
  if (json === undefined) return [];
  const name = (alias: string, column: string): string => `${alias}.${dialect.quote(column)}`;
  const pairs: (readonly [string, string])[] = node.columns.map((column) => [
    column.name,
    json.value(name(node.alias, column.name), column.kind),
  ]);
  for (const child of node.children) {
    pairs.push([child.name, json.objectOrNull(name(child.node.alias, child.to), json.object(toPairs(dialect, child.node)))]);
  }
  return pairs;
}

/** The pairs of the widest embedded object, or of the root. */
function widthOf(node: EmbedNode): number {
  return Math.max(node.columns.length + node.children.length, ...node.children.map((child) => widthOf(child.node)));
}
