import { diffKeys, type MapEdit, SharedMap } from '../lib/shared-map.ts';
import { ENTITY_KINDS } from './entity-key.ts';
import { editEntities } from './references.ts';
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

interface Answer extends NodeEntities {
  readonly nodeTags: string;
  /** By kind and key. */
  readonly out: SharedMap<LeftOut>;
}

type Out = Pick<ReadonlyMap<string, LeftOut>, 'has' | 'size'>;
type Edits = Map<EntityKind, MapEdit<unknown>[]>;

const answers = new WeakMap<Entities, Answer>();

/**
 * The entities that a node with these tags serves: those whose conditional tags fit, and that refer to none that is left out. When it is known what the node
 * serves of `previous`, only what differs from it is looked at.
 */
export function toNodeEntities(all: Entities, nodeTags: readonly string[], previous?: Entities): NodeEntities {
  const tags = nodeTags.join('\n');
  const known = answers.get(all);
  if (known?.nodeTags === tags) return known;
  const before = previous && answers.get(previous);
  const amended = previous && before?.nodeTags === tags ? amend(all, previous, before, nodeTags) : undefined;
  const next = amended ?? judgeAll(all, tags, nodeTags);
  answers.set(all, next);
  return next;
}

function judgeAll(all: Entities, tags: string, nodeTags: readonly string[]): Answer {
  const out = new Map<string, LeftOut>();
  const edits: Edits = new Map();
  for (const kind of ENTITY_KINDS) {
    for (const [key, entity] of all[kind]) {
      const left = judge(kind, entity, nodeTags, out);
      if (left === undefined) continue;
      out.set(toOutKey(kind, key), left);
      note(edits, kind, [key, undefined]);
    }
  }
  return toAnswer(tags, new SharedMap<LeftOut>().with(out), out.size === 0 ? all : editEntities(all, edits));
}

/** The answer when only what differs is judged; undefined when something that others refer to is served and was not, or the other way round. */
function amend(all: Entities, previous: Entities, before: Answer, nodeTags: readonly string[]): Answer | undefined {
  const { nodeTags: tags, entities } = before;
  let { out } = before;
  const edits: Edits = new Map();
  for (const kind of ENTITY_KINDS) {
    const now: ReadonlyMap<string, EntityTypes[EntityKind]> = all[kind];
    for (const key of diffKeys<EntityTypes[EntityKind]>(previous[kind], now)) {
      const entity = now.get(key);
      const outKey = toOutKey(kind, key);
      const left = entity && judge(kind, entity, nodeTags, out);
      const [isOut, wasOut] = [left !== undefined, out.has(outKey)];
      if (isOut !== wasOut && isReferredTo(kind)) return undefined;
      if (isOut || wasOut) out = out.with([[outKey, left]]);
      note(edits, kind, [key, isOut ? undefined : entity]);
    }
  }
  return toAnswer(tags, out, out.size === 0 ? all : editEntities(entities, edits));
}

function toAnswer(nodeTags: string, out: SharedMap<LeftOut>, entities: Entities): Answer {
  return { nodeTags, out, entities, leftOut: [...out.values()] };
}

function note(edits: Edits, kind: EntityKind, edit: MapEdit<unknown>): void {
  const some = edits.get(kind);
  if (some === undefined) edits.set(kind, [edit]);
  else some.push(edit);
}

function toOutKey(kind: EntityKind, key: string): string {
  return `${kind}\n${key}`;
}

function isReferredTo(kind: EntityKind): boolean {
  return kind === 'namespace' || kind === 'service' || kind === 'module';
}

function judge(kind: EntityKind, entity: EntityTypes[EntityKind], nodeTags: readonly string[], out: Out): LeftOut | undefined {
  const reason = whyNot(kind, entity, nodeTags, out);
  return reason === undefined ? undefined : { kind, namespace: 'namespace' in entity ? entity.namespace : '', name: entity.name, reason };
}

function whyNot(kind: EntityKind, entity: EntityTypes[EntityKind], nodeTags: readonly string[], out: Out): string | undefined {
  if (entity.tags?.some(isCondition)) {
    const reason = findMissingTag(entity.tags, nodeTags);
    if (reason !== undefined) return reason;
  }
  if (out.size === 0 || !('namespace' in entity)) return undefined;
  const { namespace } = entity;
  if (out.has(toOutKey('namespace', namespace))) return `the namespace ${namespace} is not served by this node`;
  if (kind !== 'route') return undefined;
  const { service, modules = [] } = entity as Route;
  if (service !== undefined && out.has(toOutKey('service', `${namespace}/${service}`)))
    return `its service ${service} is not served by this node`;
  const module = modules.find((name) => out.has(toOutKey('module', `${namespace}/${name}`)));
  return module === undefined ? undefined : `its module ${module} is not served by this node`;
}
