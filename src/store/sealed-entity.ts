import { KINDS } from '../entity/kinds.ts';
import { SekishoError } from '../lib/errors.ts';
import type { SecretBox } from './secret-box.ts';
import type { EntityId } from './types.ts';

/** An entity as a store writes it. */
export type Body = Readonly<Record<string, unknown>>;

/** A copy of `entity` with every field that is never shown encrypted for this place. */
export function sealEntity(box: SecretBox, id: EntityId, entity: Body): Body {
  return mapHidden(id, entity, (text, context) => box.seal(text, context));
}

/** The entity that was sealed. STORE_CORRUPT when a field was changed, is of another place, or of another key. */
export function unsealEntity(box: SecretBox, id: EntityId, body: Body): Body {
  return mapHidden(id, body, (sealed, context) => {
    const text = box.open(sealed, context);
    if (text === undefined) throw new SekishoError('STORE_CORRUPT', `the encrypted part of ${id.kind} ${id.name} is damaged`);
    return text;
  });
}

/** A copy of `entity` with every field that is never shown mapped. */
function mapHidden(id: EntityId, entity: Body, map: (text: string, context: string) => string): Body {
  const copy: Record<string, unknown> = { ...entity };
  for (const [name, field] of Object.entries(KINDS[id.kind].fields)) {
    const value = copy[name];
    if (field.redact !== undefined && typeof value === 'string')
      copy[name] = map(value, JSON.stringify([id.kind, id.namespace, id.name, name]));
  }
  return copy;
}
