import { toKeyPrefix } from '../entity/entity-key.ts';
import { redactEntity } from '../entity/redact.ts';
import type { EntityKind, EntityTypes } from '../entity/types.ts';
import { diffKeys } from '../lib/shared-map.ts';
import { toJsonText } from './answer.ts';
import type { AdminAnswer } from './route.ts';
import type { AdminState } from './types.ts';

/** The entities of one kind as texts, in the order of their keys. */
interface Texts {
  map: ReadonlyMap<string, object>;
  readonly keys: string[];
  readonly texts: string[];
}

/** Every change of one route answers all routes: what was written for the last answer is kept, and only what differs is written anew. */
const kept = new WeakMap<AdminState, Map<EntityKind, Texts>>();

/** `{"count","data","status_code"}` with all entities of a namespace (undefined: of all), as they are shown, by name. */
export function entityListAnswer(
  kind: EntityKind,
  namespace: string | undefined,
  state: AdminState,
  envelope: { readonly revision: number; readonly status?: number; readonly warnings?: readonly string[] },
): AdminAnswer {
  const { revision, status = 200, warnings = [] } = envelope;
  const { keys, texts } = textsOf(kind, state);
  const prefix = namespace === undefined ? '' : toKeyPrefix(namespace);
  const from = placeOf(keys, prefix);
  // No code unit sorts behind this one.
  const to = prefix === '' ? keys.length : placeOf(keys, `${prefix}\uffff`);
  const told = warnings.length === 0 ? '' : `,"warnings":${toJsonText(warnings)}`;
  const text = `{"count":${to - from},"data":[${texts.slice(from, to).join(',')}],"status_code":${status}${told}}`;
  return { status, text, contentType: 'application/json', revision };
}

function textsOf(kind: EntityKind, state: AdminState): Texts {
  const ofState = kept.get(state) ?? new Map<EntityKind, Texts>();
  kept.set(state, ofState);
  const found = ofState.get(kind) ?? { map: new Map(), keys: [], texts: [] };
  ofState.set(kind, found);
  const map: ReadonlyMap<string, EntityTypes[EntityKind]> = state.entities()[kind];
  const changed = diffKeys(found.map, map);
  if (changed.size > found.keys.length / 2) fillAnew(found, kind, map);
  else for (const key of changed) edit(found, kind, key, map.get(key));
  found.map = map;
  return found;
}

function fillAnew({ keys, texts }: Texts, kind: EntityKind, map: ReadonlyMap<string, EntityTypes[EntityKind]>): void {
  keys.length = 0;
  texts.length = 0;
  for (const [key, entity] of [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    keys.push(key);
    texts.push(toText(kind, entity));
  }
}

function edit({ keys, texts }: Texts, kind: EntityKind, key: string, entity: EntityTypes[EntityKind] | undefined): void {
  const at = placeOf(keys, key);
  const isThere = keys[at] === key ? 1 : 0;
  if (entity === undefined) {
    keys.splice(at, isThere);
    texts.splice(at, isThere);
  } else {
    keys.splice(at, isThere, key);
    texts.splice(at, isThere, toText(kind, entity));
  }
}

/** Where a key stands among sorted ones, or would stand. */
function placeOf(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toText(kind: EntityKind, entity: EntityTypes[EntityKind]): string {
  return toJsonText(redactEntity(kind, entity));
}
