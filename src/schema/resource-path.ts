import type { ResourceType } from './types.ts';

const plainUrls = new WeakMap<ResourceType, string>();

/**
 * The path that policies and the event log know a collection or a resource by: not percent-encoded, but an id cannot pretend to be further
 * segments.
 */
export function toResourcePath(type: ResourceType, id: string | undefined): string {
  const url = toPlainUrl(type);
  return id === undefined ? url : `${url}/${id.includes('/') ? id.replaceAll('/', '%2F') : id}`;
}

/** The URL of a type's collection without percent-encoding. */
export function toPlainUrl(type: ResourceType): string {
  let url = plainUrls.get(type);
  if (url === undefined) plainUrls.set(type, (url = toPlainPath(type.url)));
  return url;
}

/** A path without percent-encoding; one that is badly encoded stays as it is. */
export function toPlainPath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
