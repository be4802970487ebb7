import { schemaView, type ViewAccess } from '../schema/schema-view.ts';
import type { JsonSchema, Property, ResourceType, SchemaSet } from '../schema/types.ts';
import { type VisibleType, visibleTypes } from '../schema/visible-type.ts';
import type { TemplateValues } from '../template/values.ts';

/**
 * Schemas as templates see them: the keys that GET /gohan/v0.1/schemas answers, and beside them those of Gohan's templates (`schema.Schema.ID`, `schema.JSONSchema`),
 * with only what the caller may do and see.
 */
export function toTemplateSchemas(types: Iterable<ResourceType>, set: SchemaSet, access: ViewAccess): readonly TemplateValues[] {
  return visibleTypes(types, access).map((visible) => {
    const { type, mayDo } = visible;
    const view = schemaView(type, access) ?? {};
    const actions = [...type.actions.values()].filter(({ id }) => mayDo(id));
    return {
      ...view,
      id: type.id,
      actions: Object.fromEntries(Object.entries(view['actions'] ?? {}).filter(([id]) => mayDo(id))),
      Schema: {
        ID: type.id,
        Singular: type.singular,
        Plural: type.plural,
        Title: type.title,
        Description: type.description,
        Parent: type.parent ?? '',
        NamespaceID: type.group ?? '',
        Prefix: type.prefix,
        URL: type.url,
        URLWithParents: type.longUrl.replaceAll(/\{([^}]+)\}/g, ':$1'),
        Metadata: type.metadata,
        Properties: visible.read.map(toProperty),
        Actions: actions.map((action) => ({
          ID: action.id,
          Method: action.method,
          Path: action.path,
          Description: action.description,
          InputSchema: action.input ?? null,
          OutputSchema: action.output ?? null,
          Parameters: action.parameters ?? null,
          Protocol: action.protocol,
        })),
      },
      Policies: set.policies.map(({ id, action, principal, effect, path }) => ({
        ID: id,
        Action: action,
        Principal: principal,
        Effect: effect,
        Path: path,
      })),
      JSONSchema: view['schema'] ?? null,
      JSONSchemaOnCreate: toBody(visible, 'create'),
      JSONSchemaOnUpdate: toBody(visible, 'update'),
    };
  });
}

function toProperty({
  name,
  title,
  description,
  type,
  isNullable,
  format,
  relation,
  isUnique,
  isIndexed,
  defaultValue,
}: Property): TemplateValues {
  return {
    ID: name,
    Title: title,
    Description: description,
    Type: type,
    Nullable: isNullable,
    Format: format ?? '',
    Relation: relation?.schemaId ?? '',
    RelationProperty: relation?.embedAs ?? '',
    Unique: isUnique,
    Indexed: isIndexed,
    Default: defaultValue ?? null,
  };
}

/** The schema of a body, without the properties that the caller may not send; null when it may send none. */
function toBody(visible: VisibleType, action: 'create' | 'update'): JsonSchema | null {
  if (!visible.mayDo(action)) return null;
  const whole = action === 'create' ? visible.type.createSchema : visible.type.updateSchema;
  const properties = visible[action];
  const { required } = whole;
  const isSent = (name: unknown): boolean => properties.some((property) => property.name === name);
  return {
    ...whole,
    properties: Object.fromEntries(properties.map(({ name, schema }) => [name, schema])),
    ...(Array.isArray(required) && { required: required.filter(isSent) }),
  };
}
