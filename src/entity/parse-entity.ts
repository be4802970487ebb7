import { parseDurationNs } from '../lib/duration.ts';
import { type FieldError, SekishoError, tellFirst } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { FieldRule, Report } from './field-rule.ts';
import { KINDS, type KindName } from './kinds.ts';
import type { Document, EntityTypes } from './types.ts';

/** What `parseEntity` gives: the entities, and a document as it is put. */
export type ParsedTypes = EntityTypes & { document: Pick<Document, 'id' | 'namespace' | 'collection' | 'data'> };

export interface ParseOptions {
  /** Namespace of input that names none; without it the namespace is required. */
  readonly defaultNamespace?: string | undefined;
}

/**
 * Checks untrusted input against the table of `kind` and gives the entity with its defaults; null counts as absent, empty optional texts and lists are left out.
 * ENTITY_INVALID lists every problem with its JSON pointer.
 */
export function parseEntity<K extends KindName>(kind: K, input: unknown, options: ParseOptions = {}): ParsedTypes[K] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new SekishoError('ENTITY_INVALID', `a ${kind} is a JSON object, not ${nameOf(input)}`);
  }
  const { fields, key } = KINDS[kind];
  const given = input as Readonly<Record<string, unknown>>;
  const errors: FieldError[] = [];
  const entity: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.isReadOnly) continue;
    let value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (name === 'namespace' && isAbsent(value)) value = options.defaultNamespace;
    const parsed = parseField(name, field, value, errors);
    if (parsed !== undefined) entity[name] = parsed;
    else if (name === 'namespace') errors.push({ pointer: '/namespace', detail: 'namespace is required' });
  }
  findUnknownFields(kind, given, errors);
  if (kind === 'domain') checkPair(entity, errors);
  if (errors.length > 0) throw toError(kind, given[key], errors);
  // The table and the types of ./types.ts describe the same fields; a test holds them equal.
  return entity as unknown as ParsedTypes[K];
}

function parseField(name: string, field: FieldRule, value: unknown, errors: FieldError[]): unknown {
  if (field.type === 'json' ? value === undefined || value === null : isAbsent(value) || isEmpty(value)) {
    if (field.type === 'json' && value === null && field.required === true) return null;
    if (field.required === true) errors.push({ pointer: `/${name}`, detail: missing(name, field) });
    return field.required === true ? undefined : field.default;
  }
  const problem = findTypeProblem(field, value);
  if (problem !== undefined) {
    errors.push({ pointer: `/${name}${problem.sub ?? ''}`, detail: `${name}: ${problem.detail}` });
    return undefined;
  }
  const before = errors.length;
  const report: Report = (detail, sub = '') => errors.push({ pointer: `/${name}${sub}`, detail: `${name}: ${detail}` });
  // The value has the type of the field, so that its check can take it.
  field.check?.(value as never, report);
  return errors.length === before ? value : undefined;
}

function missing(name: string, field: FieldRule): string {
  if (name === 'methods') return 'route must have at least one method';
  const wanted = field.example === undefined ? '' : `, for example ${field.example}`;
  return field.type === 'strings' ? `${name} are required${wanted}` : `${name} is required${wanted}`;
}

function findTypeProblem(field: FieldRule, value: unknown): { readonly detail: string; readonly sub?: string } | undefined {
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') return { detail: `expected a string, found ${nameOf(value)}` };
      if (field.values?.includes(value) === false)
        return { detail: `${JSON.stringify(value)} is not one of ${field.values.join(', ')}${suggest(value, field.values)}` };
      return undefined;
    case 'strings': {
      if (!Array.isArray(value)) return { detail: `expected a list of strings, found ${nameOf(value)}` };
      const at = value.findIndex((item) => typeof item !== 'string');
      return at < 0 ? undefined : { detail: `expected a string, found ${nameOf(value[at])}`, sub: `/${at}` };
    }
    case 'boolean':
      return typeof value === 'boolean' ? undefined : { detail: `expected true or false, found ${nameOf(value)}` };
    case 'integer':
      return findIntegerProblem(field, value);
    case 'duration': {
      const ns = parseDurationNs(value);
      if (ns === undefined)
        return { detail: `expected a duration such as "50ms" or "1m30s", or whole nanoseconds, found ${nameOf(value)}` };
      return ns < 0 ? { detail: 'must not be negative' } : undefined;
    }
    case 'json':
      return undefined;
  }
}

function findIntegerProblem(field: FieldRule, value: unknown): { readonly detail: string } | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return { detail: `expected a whole number, found ${nameOf(value)}` };
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = field;
  return value < minimum || value > maximum ? { detail: `${value} is out of range; allowed are ${minimum} to ${maximum}` } : undefined;
}

function findUnknownFields(kind: KindName, given: Readonly<Record<string, unknown>>, errors: FieldError[]): void {
  const known = Object.keys(KINDS[kind].fields);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    errors.push({
      pointer: `/${escapePointer(name)}`,
      detail: `a ${kind} has no field ${JSON.stringify(name)}${suggest(name, known) || `; its fields are ${known.join(', ')}`}`,
    });
  }
}

function checkPair(entity: Readonly<Record<string, unknown>>, errors: FieldError[]): void {
  const { cert, key } = entity;
  if (cert !== undefined && key === undefined)
    errors.push({ pointer: '/key', detail: 'a cert needs its key; keys are never answered, so send both again' });
  if (cert === undefined && key !== undefined) errors.push({ pointer: '/cert', detail: 'a key needs its cert' });
}

function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function toError(kind: KindName, name: unknown, errors: readonly FieldError[]): SekishoError {
  const what = typeof name === 'string' && name !== '' ? `${kind} ${JSON.stringify(name.slice(0, 100))}` : kind;
  return new SekishoError('ENTITY_INVALID', `${what}: ${tellFirst(errors)}`, { errors });
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return `the ${typeof value} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}
