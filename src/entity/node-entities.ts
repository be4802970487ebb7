import { ENTITY_KINDS } from './entity-key.ts';
import { findMissingTag, isCondition } from './tag-conditions.ts';
import type { Entities, EntityId, EntityKind, EntityTypes, Route } from './types.ts';

/** An entity that a node does not serve, and why. */
export interface LeftOut extends EntityId {
  readonly reason: string;
}

/** What a node serves of all entities. */
export interface NodeEntities {
  readonly entities: Entities;
  readonly leftOut: readonly LeftOut[];
}

const answers = new WeakMap<Entities, { readonly nodeTags: string; readonly answer: NodeEntities }>();

/**
 * The entities that a node with these tags serves: those whose conditional tags fit, and that refer to none that is left out. Entities that ask
 * nothing of nodes, which are nearly all, cost one look; a kind of which nothing is left out keeps its map.
 */
export function toNodeEntities(entities: Entities, nodeTags: readonly string[]): NodeEntities {
  const tags = nodeTags.join('\n');
  const known = answers.get(entities);
  if (known?.nodeTags === tags) return known.answer;
  const leftOut: LeftOut[] = [];
  const out = new Set<string>();
  const next: Record<string, unknown> = { ...entities };
  for (const kind of ENTITY_KINDS) {
    const all = entities[kind] as ReadonlyMap<string, EntityTypes[EntityKind]>;
    const before = leftOut.length;
    for (const [key, entity] of all) {
      const reason = whyNot(kind, entity, nodeTags, out);
      if (reason === undefined) continue;
      out.add(`${kind}\n${key}`);
      leftOut.push({ kind, namespace: 'namespace' in entity ? entity.namespace : '', name: entity.name, reason });
    }
    if (leftOut.length > before) next[kind] = new Map([...all].filter(([key]) => !out.has(`${kind}\n${key}`)));
  }
  const answer = { entities: leftOut.length === 0 ? entities : (next as unknown as Entities), leftOut };
  answers.set(entities, { nodeTags: tags, answer });
  return answer;
}

function whyNot(
  kind: EntityKind,
  entity: EntityTypes[EntityKind],
  nodeTags: readonly string[],
  out: ReadonlySet<string>,
): string | undefined {
  if (entity.tags?.some(isCondition)) {
    const reason = findMissingTag(entity.tags, nodeTags);
    if (reason !== undefined) return reason;
  }
  if (out.size === 0 || !('namespace' in entity)) return undefined;
  const { namespace } = entity;
  if (out.has(`namespace\n${namespace}`)) return `the namespace ${namespace} is not served by this node`;
  if (kind !== 'route') return undefined;
  const { service, modules = [] } = entity as Route;
  if (service !== undefined && out.has(`service\n${namespace}/${service}`)) return `its service ${service} is not served by this node`;
  const module = modules.find((name) => out.has(`module\n${namespace}/${name}`));
  return module === undefined ? undefined : `its module ${module} is not served by this node`;
}
