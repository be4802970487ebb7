import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FieldError } from '../lib/errors.ts';
import { isMap } from './cursor.ts';
import { EXACT, fromDraft4 } from './draft4.ts';
import { FORMATS } from './formats.ts';
import { compilePattern } from './pattern.ts';
import { typesOf } from './property.ts';
import type { JsonSchema, ResourceType } from './types.ts';
import { toViolation } from './violation.ts';

/** Gives what is wrong with a value, one entry per broken rule with its JSON pointer; empty when nothing is. */
export type Validator = (value: unknown) => readonly FieldError[];

const MAX_ERRORS = 100;
const NONE: readonly FieldError[] = [];
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** A compiler keeps a little of everything it compiled: a new one takes over now and then, so that the old one can go with its schemas. */
const SCHEMAS_PER_COMPILER = 200;
let compiler: Ajv | undefined;
let compiledCount = 0;
const compiled = new WeakMap<JsonSchema, Validator>();

/** The check of create bodies of a type. It is compiled when the first value comes: compiling costs milliseconds, and most of many types are rarely written. */
export function createValidator(type: ResourceType): Validator {
  return lazyValidator(type.createSchema);
}

/** The check of update bodies: only what is there is judged. */
export function updateValidator(type: ResourceType): Validator {
  return lazyValidator(type.updateSchema);
}

/** The check of a JSON schema of draft 4, kept as long as the schema is. */
export function lazyValidator(schema: JsonSchema): Validator {
  let validator = compiled.get(schema);
  if (validator === undefined) {
    let compiledNow: Validator | undefined;
    validator = (value) => (compiledNow ??= compile(schema))(value);
    compiled.set(schema, validator);
  }
  return validator;
}

function compile(schema: JsonSchema): Validator {
  if (compiler === undefined || compiledCount % SCHEMAS_PER_COMPILER === 0) compiler = createCompiler();
  const ajv = compiler;
  // Without a name of its own a schema can't refer to itself as `#`.
  const converted = { ...fromDraft4(schema), $id: `schema-${(compiledCount += 1)}` };
  const validate: ValidateFunction = ajv.compile(converted);
  // The compiler would keep every schema for ever.
  ajv.removeSchema(converted);
  return (value) => (validate(value) ? NONE : toViolations(validate.errors ?? []));
}

function createCompiler(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    // Errors carry the value and the schema: texts name the type that was given.
    verbose: true,
    addUsedSchema: false,
    validateSchema: false,
    multipleOfPrecision: 9,
    logger: false,
    unicodeRegExp: false,
    code: { regExp: Object.assign(toRegExp, { code: 'toRegExp' }) },
  });
  for (const [name, { matches }] of Object.entries(FORMATS)) ajv.addFormat(name, { type: 'string', validate: matches });
  ajv.addKeyword({
    keyword: EXACT,
    type: 'number',
    errors: false,
    validate: (_: unknown, data: number) => !Number.isInteger(data) || Number.isSafeInteger(data),
  });
  return ajv;
}

function toRegExp(pattern: string): RegExp {
  const result = compilePattern(pattern);
  if ('regExp' in result) return result.regExp;
  throw new SyntaxError(result.problem);
}

function toViolations(errors: readonly ErrorObject[]): readonly FieldError[] {
  const kept = errors.filter((error) => !isLargeInteger(error));
  return kept.slice(0, MAX_ERRORS).map(toViolation);
}

/** Integers beyond 2^53 travel as texts: such a text is no wrong type where an integer is asked for. */
function isLargeInteger({ keyword, data, parentSchema }: ErrorObject): boolean {
  if (keyword !== 'type' || typeof data !== 'string' || !/^-?[1-9]\d{15,18}$/.test(data)) return false;
  const schema = isMap(parentSchema) ? parentSchema : {};
  if (!typesOf(schema).includes('integer')) return false;
  const value = BigInt(data);
  if (value < MIN_INT64 || value > MAX_INT64 || Number.isSafeInteger(Number(data))) return false;
  return isWithin(value, schema);
}

function isWithin(value: bigint, schema: JsonSchema): boolean {
  const bound = (name: string): number | undefined => (typeof schema[name] === 'number' ? schema[name] : undefined);
  const number = Number(value);
  return (
    number >= (bound('minimum') ?? number) &&
    number <= (bound('maximum') ?? number) &&
    number > (bound('exclusiveMinimum') ?? -Infinity) &&
    number < (bound('exclusiveMaximum') ?? Infinity)
  );
}
