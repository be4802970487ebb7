import { isObject, type JsonObject } from './body.ts';

/**
 * Merges a change into a stored value. Objects are merged deeply, everything else replaces. In Gohan's merge a null replaces too;
 * in a merge patch (RFC 7396) it removes the key of a nested object.
 */
export function mergeValue(stored: unknown, change: unknown, removesNulls: boolean): unknown {
  if (!isObject(change)) return change;
  const merged: Record<string, unknown> = isObject(stored) ? { ...stored } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null && removesNulls) delete merged[key];
    else define(merged, key, mergeValue(merged[key], value, removesNulls));
  }
  return merged;
}

/** The new values of the properties that a body names. */
export function mergeProperties(stored: JsonObject, body: JsonObject, removesNulls: boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, mergeValue(stored[name] ?? undefined, value, removesNulls)]),
  );
}

/** `__proto__` is a key like any other. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
