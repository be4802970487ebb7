import { Ajv, type ErrorObject, type SchemaObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { EntityError } from '../entity/entity-error.ts';
import type { Collection } from '../entity/types.ts';
import type { FieldError } from '../lib/errors.ts';

/** Gives what is wrong with the data of a document, one entry per broken rule; empty when nothing is. */
export type DocumentCheck = (data: unknown) => readonly FieldError[];

const MAX_ERRORS = 100;
const OPTIONS = { allErrors: true, strict: false, validateFormats: false, addUsedSchema: false, logger: false } as const;

/** One compiler per draft, made at first use. */
const compilers: { draft2020?: Ajv; draft07?: Ajv } = {};
const compiled = new WeakMap<Collection, DocumentCheck>();

/**
 * The check of a collection's schema, compiled at its first use: JSON Schema draft 2020-12, or draft-07 when `$schema` says so; formats are annotations.
 * ENTITY_INVALID when it does not compile.
 */
export function compileDocumentSchema(collection: Collection): DocumentCheck {
  const known = compiled.get(collection);
  if (known !== undefined) return known;
  const check = collection.schema === undefined ? () => [] : toCheck(compileSchema(collection));
  compiled.set(collection, check);
  return check;
}

function compileSchema(collection: Collection): ValidateFunction {
  // The shape was checked when the entity was parsed: an object or a boolean.
  const schema = collection.schema as boolean | SchemaObject;
  const draft = typeof schema === 'object' && schema.$schema !== undefined ? String(schema.$schema) : '';
  const ajv = /draft-0[4-7]/.test(draft) ? (compilers.draft07 ??= new Ajv(OPTIONS)) : (compilers.draft2020 ??= new Ajv2020(OPTIONS));
  try {
    return ajv.compile(schema);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const detail = `schema: is no JSON Schema that compiles: ${text}`;
    throw new EntityError(
      'ENTITY_INVALID',
      { kind: 'collection', namespace: collection.namespace, name: collection.name },
      `collection ${JSON.stringify(collection.name)}: ${detail}`,
      { errors: [{ pointer: '/schema', detail }] },
    );
  } finally {
    // The compiler would keep every schema for ever.
    if (typeof schema === 'object') ajv.removeSchema(schema);
  }
}

function toCheck(validate: ValidateFunction): DocumentCheck {
  return (data) => {
    if (validate(data)) return [];
    return (validate.errors ?? []).slice(0, MAX_ERRORS).map(toFieldError);
  };
}

function toFieldError({ instancePath, keyword, message, params }: ErrorObject): FieldError {
  const place = instancePath === '' ? 'the document' : instancePath;
  if (keyword === 'additionalProperties')
    return { pointer: instancePath, detail: `${place} has the unknown property ${JSON.stringify(params['additionalProperty'])}` };
  if (keyword === 'enum') return { pointer: instancePath, detail: `${place} must be one of ${JSON.stringify(params['allowedValues'])}` };
  return { pointer: instancePath, detail: `${place} ${message ?? `breaks the rule ${keyword}`}` };
}
