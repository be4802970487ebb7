import type { Property, ResourceType } from '../schema/types.ts';
import { keyOf } from './column.ts';

/** Characters of such a text. */
export const KEY_LENGTH = 255;

/** Keys, relations and unique properties are short texts, so that every database can index them whole (Gohan has varchar(255) for them). */
export function isKeyLike(type: ResourceType, property: Property): boolean {
  if (property.name === keyOf(type) || property.relation !== undefined || property.isUnique) return true;
  return type.indexes.some((index) => index.type === 'unique' && index.columns.includes(property.name));
}
