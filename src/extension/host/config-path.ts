/** A value of a tree of settings by its path, `database/type`; lists by index. Undefined when there is none. */
export function readConfigPath(tree: unknown, path: string): unknown {
  let at = tree;
  for (const key of path.split('/')) {
    if (key === '') continue;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}
