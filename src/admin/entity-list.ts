import { redactEntity } from '../entity/redact.ts';
import type { EntityKind, EntityTypes } from '../entity/types.ts';
import { toJsonText } from './answer.ts';
import type { AdminAnswer } from './route.ts';

/** Texts of entities as they are shown. Every change of one route answers all routes: only the changed one is written anew. */
const texts = new WeakMap<object, string>();

/** `{"count","data","status_code"}` with all these entities as they are shown, by name. */
export function entityListAnswer<K extends EntityKind>(
  kind: K,
  entities: readonly EntityTypes[K][],
  envelope: { readonly revision: number; readonly status?: number; readonly warnings?: readonly string[] },
): AdminAnswer {
  const { revision, status = 200, warnings = [] } = envelope;
  const data = entities
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map((entity) => textOf(kind, entity))
    .join(',');
  const told = warnings.length === 0 ? '' : `,"warnings":${toJsonText(warnings)}`;
  const text = `{"count":${entities.length},"data":[${data}],"status_code":${status}${told}}`;
  return { status, text, contentType: 'application/json', revision };
}

function textOf<K extends EntityKind>(kind: K, entity: EntityTypes[K]): string {
  let text = texts.get(entity);
  if (text === undefined) {
    text = toJsonText(redactEntity(kind, entity));
    texts.set(entity, text);
  }
  return text;
}
