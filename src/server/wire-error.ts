import { inspect } from 'node:util';
import { EntityError } from '../entity/entity-error.ts';
import type { EntityId } from '../entity/types.ts';
import { type ErrorCode, type FieldError, SekishoError, toSekishoError } from '../lib/errors.ts';

/** A `SekishoError` as it travels between processes. The id stays the same, so that client and log name one error. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly errors: readonly FieldError[];
  readonly id: string | undefined;
  readonly cause: string | undefined;
  readonly entity: EntityId | undefined;
}

export function toWireError(error: unknown): WireError {
  const known = toSekishoError(error);
  const { cause } = known;
  return {
    code: known.code,
    message: known.message,
    errors: known.errors,
    id: known.id,
    cause: cause === undefined ? undefined : cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause),
    entity: known instanceof EntityError ? known.entity : undefined,
  };
}

export function fromWireError({ code, message, errors, id, cause, entity }: WireError): SekishoError {
  const options = { errors, ...(cause !== undefined && { cause }) };
  const error = entity === undefined ? new SekishoError(code, message, options) : new EntityError(code, entity, message, options);
  return Object.assign(error, { id });
}
