import type { ErrorObject } from 'ajv';
import type { FieldError } from '../lib/errors.ts';

/** A broken rule in the words of Gohan's validator. */
export function toViolation(error: ErrorObject): FieldError {
  const { instancePath, keyword, params } = error;
  const added =
    keyword === 'required' ? params['missingProperty'] : keyword === 'additionalProperties' ? params['additionalProperty'] : undefined;
  const pointer = added === undefined ? instancePath : `${instancePath}/${String(added).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return { pointer, detail: TEXTS[keyword]?.(error) ?? error.message ?? `breaks the rule ${keyword}` };
}

/** The one text in which all broken rules appear: a line for each, `<dotted path>: <what is wrong>,`. */
export function toValidationText(errors: readonly FieldError[]): string {
  return `Validation error: Json validation error:${errors.map(({ pointer, detail }) => `\n\t${toDotted(pointer) || '(root)'}: ${detail},`).join('')}`;
}

function toDotted(pointer: string): string {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

const TEXTS: Readonly<Record<string, (error: ErrorObject) => string>> = {
  required: ({ params }) => `${params['missingProperty']} is required`,
  additionalProperties: ({ params }) => `Additional property ${params['additionalProperty']} is not allowed`,
  type: ({ params, data }) => `Invalid type. Expected: ${toTypes(params['type'])}, given: ${givenType(data)}`,
  enum: ({ params, instancePath }) =>
    `${lastOf(instancePath)} must be one of the following: ${(params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`,
  format: ({ params }) => `Does not match format '${params['format']}'`,
  pattern: ({ params }) => `Does not match pattern '${params['pattern']}'`,
  minLength: ({ params }) => `String length must be greater than or equal to ${params['limit']}`,
  maxLength: ({ params }) => `String length must be less than or equal to ${params['limit']}`,
  minimum: ({ params }) => `Must be greater than or equal to ${params['limit']}`,
  maximum: ({ params }) => `Must be less than or equal to ${params['limit']}`,
  exclusiveMinimum: ({ params }) => `Must be greater than ${params['limit']}`,
  exclusiveMaximum: ({ params }) => `Must be less than ${params['limit']}`,
  multipleOf: ({ params }) => `Must be a multiple of ${params['multipleOf']}`,
  minItems: ({ params }) => `Array must have at least ${params['limit']} items`,
  maxItems: ({ params }) => `Array must have at most ${params['limit']} items`,
  additionalItems: ({ params }) => `Array must have at most ${params['limit']} items`,
  uniqueItems: () => 'array items must be unique',
  minProperties: ({ params }) => `Must have at least ${params['limit']} properties`,
  maxProperties: ({ params }) => `Must have at most ${params['limit']} properties`,
  anyOf: () => 'Must validate at least one schema (anyOf)',
  oneOf: () => 'Must validate one and only one schema (oneOf)',
  allOf: () => 'Must validate all the schemas (allOf)',
  not: () => 'Must not validate the schema (not)',
  dependencies: ({ params }) => `Has a dependency on ${params['missingProperty'] ?? params['deps']}`,
  exact: () => 'is beyond 2^53 and would lose digits as a number; send it as a text',
};

function toTypes(type: unknown): string {
  return Array.isArray(type) ? `[${type.join(',')}]` : String(type);
}

function givenType(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'array';
  if (typeof data === 'number') return Number.isInteger(data) ? 'integer' : 'number';
  return typeof data;
}

function lastOf(instancePath: string): string {
  return toDotted(instancePath).split('.').at(-1) ?? '';
}
