import { type FieldError, SekishoError } from '../lib/errors.ts';
import { fromPolicyRow } from '../schema/stored-definitions.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import { createValidator, updateValidator } from '../schema/validator.ts';
import { toValidationText } from '../schema/violation.ts';
import type { JsonObject } from './body.ts';

/** Throws RESOURCE_INVALID with every rule of the type that a create body breaks. */
export function validateCreate(type: ResourceType, body: JsonObject, { resources }: SchemaSet): void {
  refuse(createValidator(type)(body));
  // A definition that does not build is refused when it is put, not at the next start.
  if (type.isMeta && type.id === 'policy') refuse(fromPolicyRow(body, resources.values()).errors ?? []);
}

/** The same for the properties that an update sets. */
export function validateUpdate(type: ResourceType, changes: JsonObject): void {
  refuse(updateValidator(type)(changes));
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new SekishoError('RESOURCE_INVALID', toValidationText(errors), { errors });
}
