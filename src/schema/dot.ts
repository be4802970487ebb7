import { relationsOf } from './relations.ts';
import type { ViewAccess } from './schema-view.ts';
import type { ResourceType } from './types.ts';
import { FULL_ACCESS, visibleTypes } from './visible-type.ts';

/** The types and their relations as a graph in Graphviz's language: solid lines lead to parents, dashed ones to other related types. */
export function toDot(types: Iterable<ResourceType>, access: ViewAccess = FULL_ACCESS): string {
  const visible = visibleTypes(types, access);
  const known = new Set(visible.map(({ type }) => type.id));
  const nodes = visible.map(({ type, read }) => {
    const rows = read
      .map(({ name, type: kind, relation }) => `${escape(name)} : ${relation === undefined ? kind : escape(relation.schemaId)}\\l`)
      .join('');
    return `  ${quote(type.id)} [label="{${escape(type.title)}|${rows}}"];`;
  });
  const edges = visible.flatMap(({ type, read }) =>
    relationsOf(type)
      .filter(({ path, relation }) => known.has(relation.schemaId) && read.some(({ name }) => name === path.split('.')[0]))
      .map(
        ({ path, relation }) =>
          `  ${quote(type.id)} -> ${quote(relation.schemaId)} [label=${quote(path)}${path === type.parentProperty ? '' : ', style=dashed'}];`,
      ),
  );
  return `digraph schemas {\n  rankdir=LR;\n  node [shape=record];\n${[...nodes, ...edges].join('\n')}\n}\n`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** For labels of records, in which braces, bars and angles have a meaning. */
function escape(text: string): string {
  return text.replace(/[\\"{}|<>]/g, '\\$&');
}
