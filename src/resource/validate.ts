import { type FieldError, SekishoError } from '../lib/errors.ts';
import { fromExtensionRow, fromPolicyRow } from '../schema/stored-definitions.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import { createValidator, updateValidator } from '../schema/validator.ts';
import { toValidationText } from '../schema/violation.ts';
import type { JsonObject } from './body.ts';

/** Throws RESOURCE_INVALID with every rule of the type that a create body breaks. */
export function validateCreate(type: ResourceType, body: JsonObject, { resources }: SchemaSet): void {
  refuse(createValidator(type)(body));
  refuse(definitionProblems(type, body, resources));
}

/** The same for the properties that an update of `stored` sets. */
export function validateUpdate(type: ResourceType, stored: JsonObject, changes: JsonObject, { resources }: SchemaSet): void {
  refuse(updateValidator(type)(changes));
  refuse(definitionProblems(type, { ...stored, ...changes }, resources));
}

/** A definition that does not build is refused when it is put, not at the next start. */
function definitionProblems(type: ResourceType, row: JsonObject, resources: SchemaSet['resources']): readonly FieldError[] {
  if (!type.isMeta) return [];
  if (type.id === 'policy') return fromPolicyRow(row, resources.values()).errors ?? [];
  // The file that an extension names may be there later.
  if (type.id === 'extension') return fromExtensionRow(row, '', () => '').errors ?? [];
  return [];
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new SekishoError('RESOURCE_INVALID', toValidationText(errors), { errors });
}
