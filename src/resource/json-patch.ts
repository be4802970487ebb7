import { isDeepStrictEqual } from 'node:util';
import { SekishoError } from '../lib/errors.ts';
import { isObject, type JsonObject } from './body.ts';

const MAX_OPERATIONS = 1000;

/**
 * Applies a JSON Patch (RFC 6902) to a resource and gives the properties that it changed; a removed one becomes null.
 * Throws RESOURCE_MALFORMED for what is no patch, RESOURCE_INVALID for one that does not fit, RESOURCE_CONFLICT when a test fails.
 */
export function applyJsonPatch(resource: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw malformed('the patch is no list of operations', '');
  if (patch.length > MAX_OPERATIONS) throw malformed(`the patch has more than ${MAX_OPERATIONS} operations`, '');
  let document: unknown = structuredClone(resource);
  for (const [index, operation] of patch.entries()) document = applyOperation(document, operation, `/${index}`);
  if (!isObject(document)) throw misfit('the patch replaces the resource by something that is no object', '');
  const after = document;
  const names = new Set([...Object.keys(resource), ...Object.keys(after)]);
  return Object.fromEntries(
    [...names].filter((name) => !isDeepStrictEqual(resource[name], after[name])).map((name) => [name, after[name] ?? null]),
  );
}

function applyOperation(document: unknown, operation: unknown, at: string): unknown {
  if (!isObject(operation)) throw malformed('an operation is no object', at);
  const path = toTokens(operation['path'], `${at}/path`);
  switch (operation['op']) {
    case 'add':
      return add(document, path, valueOf(operation, at), at);
    case 'remove':
      return remove(document, path, at).document;
    case 'replace':
      return add(remove(document, path, at).document, path, valueOf(operation, at), at);
    case 'move': {
      const from = toTokens(operation['from'], `${at}/from`);
      if (from.length < path.length && from.every((token, i) => token === path[i])) throw misfit('a value cannot be moved into itself', at);
      const taken = remove(document, from, at);
      return add(taken.document, path, taken.value, at);
    }
    case 'copy':
      return add(document, path, structuredClone(read(document, toTokens(operation['from'], `${at}/from`), at)), at);
    case 'test':
      if (!isDeepStrictEqual(read(document, path, at), valueOf(operation, at))) {
        throw new SekishoError(
          'RESOURCE_CONFLICT',
          `The patch tests ${String(operation['path'])} for another value than the resource has.`,
        );
      }
      return document;
    default:
      throw malformed('op is none of add, remove, replace, move, copy, test', `${at}/op`);
  }
}

function valueOf(operation: JsonObject, at: string): unknown {
  if (!('value' in operation)) throw malformed('the operation has no value', at);
  return operation['value'];
}

/** RFC 6901. */
function toTokens(pointer: unknown, at: string): readonly string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) throw malformed('it is no JSON pointer', at);
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: readonly string[], at: string): unknown {
  let value = document;
  for (const token of path) {
    if (Array.isArray(value)) value = value[toIndex(token, value.length - 1, at)];
    else if (isObject(value) && Object.hasOwn(value, token)) value = value[token];
    else throw misfit(`there is nothing at /${path.join('/')}`, at);
  }
  return value;
}

function add(document: unknown, path: readonly string[], value: unknown, at: string): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const holder = read(document, path.slice(0, -1), at);
  if (Array.isArray(holder)) holder.splice(last === '-' ? holder.length : toIndex(last, holder.length, at), 0, value);
  else if (isObject(holder)) Object.defineProperty(holder, last, { value, writable: true, enumerable: true, configurable: true });
  else throw misfit(`/${path.slice(0, -1).join('/')} holds nothing`, at);
  return document;
}

function remove(document: unknown, path: readonly string[], at: string): { readonly document: unknown; readonly value: unknown } {
  const value = read(document, path, at);
  const last = path.at(-1);
  if (last === undefined) return { document: undefined, value };
  const holder = read(document, path.slice(0, -1), at);
  if (Array.isArray(holder)) holder.splice(toIndex(last, holder.length - 1, at), 1);
  else delete (holder as Record<string, unknown>)[last];
  return { document, value };
}

function toIndex(token: string, max: number, at: string): number {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(token) ? Number(token) : Number.NaN;
  if (!(index <= max)) throw misfit(`the list has no place ${JSON.stringify(token)}`, at);
  return index;
}

function malformed(reason: string, pointer: string): SekishoError {
  return new SekishoError('RESOURCE_MALFORMED', `Failed to parse data: ${reason}`, { errors: [{ pointer, detail: reason }] });
}

function misfit(reason: string, pointer: string): SekishoError {
  return new SekishoError('RESOURCE_INVALID', `The patch does not fit: ${reason}`, { errors: [{ pointer, detail: reason }] });
}
