import type { ViewAccess } from './schema-view.ts';
import type { Property, ResourceType } from './types.ts';

/** A type as one caller sees it: what documents and clients are made from. */
export interface VisibleType {
  readonly type: ResourceType;
  /** Properties of answers, of create bodies and of update bodies. */
  readonly read: readonly Property[];
  readonly create: readonly Property[];
  readonly update: readonly Property[];
  readonly mayDo: (action: string) => boolean;
}

/** Access of somebody who may do everything. */
export const FULL_ACCESS: ViewAccess = { mayDo: () => true, seesProperty: () => true };

/** The types that the caller may do anything with, without those of the gateway itself. */
export function visibleTypes(types: Iterable<ResourceType>, access: ViewAccess): readonly VisibleType[] {
  return [...types]
    .filter(({ isMeta }) => !isMeta)
    .map((type) => {
      const mayDo = (action: string): boolean => access.mayDo(type, action);
      const seen = (action: string, may: (property: Property) => boolean): readonly Property[] =>
        mayDo(action) ? type.properties.filter((property) => may(property) && access.seesProperty(type, action, property.name)) : [];
      return {
        type,
        read: seen('read', () => true),
        create: seen('create', ({ mayCreate }) => mayCreate),
        update: seen('update', ({ mayUpdate }) => mayUpdate),
        mayDo,
      };
    })
    .filter(({ type, mayDo }) => ['read', 'create', 'update', 'delete', ...type.actions.keys()].some(mayDo));
}

/** Properties that a create body must have. */
export function requiredOf({ type, create }: VisibleType): readonly string[] {
  const { required } = type.createSchema;
  return Array.isArray(required) ? create.map(({ name }) => name).filter((name) => required.includes(name)) : [];
}
