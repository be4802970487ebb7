import type { GohanThread } from './types.ts';

type Tree = Record<string | symbol, unknown>;

/**
 * The object of `gohan_global`: every access reads the shared one, every change writes it, at any depth. `scope` is the environment, or
 * empty for the object of all. Two requests that change the same object at the same time may lose the change of one, as in Gohan.
 */
export function openGlobal(thread: GohanThread, scope: string, name: string): object {
  const read = (): Tree => {
    const text = thread.call('global.get', scope, name);
    return text === undefined ? {} : (JSON.parse(text) as Tree);
  };
  const change = (path: readonly string[], work: (target: Tree) => void): boolean => {
    const root = read();
    const target = follow(root, path);
    if (target === undefined) return false;
    work(target);
    thread.call('global.set', scope, name, JSON.stringify(root));
    return true;
  };
  const open = (path: readonly string[], shape: object): object =>
    new Proxy(shape, {
      get(target, key, receiver) {
        if (typeof key === 'symbol') return Reflect.get(target, key, receiver);
        const found = follow(read(), path);
        if (found === undefined || !Object.hasOwn(found, key)) return Reflect.get(target, key, receiver);
        const value = found[key];
        return typeof value === 'object' && value !== null ? open([...path, key], emptyOf(thread, value)) : value;
      },
      set: (_target, key, value) => typeof key === 'string' && change(path, (target) => void (target[key] = value)),
      defineProperty: (_target, key, { value }) => typeof key === 'string' && change(path, (target) => void (target[key] = value)),
      deleteProperty: (_target, key) => change(path, (target) => void delete target[key]),
      has: (target, key) => Reflect.has(follow(read(), path) ?? target, key),
      ownKeys: () => Reflect.ownKeys(follow(read(), path) ?? {}),
      getOwnPropertyDescriptor(target, key) {
        const found = Reflect.getOwnPropertyDescriptor(follow(read(), path) ?? {}, key);
        // A list's own length is not configurable, and must be told so.
        if (found === undefined || (Array.isArray(target) && key === 'length')) return found;
        return { ...found, configurable: true };
      },
    });
  return open([], emptyOf(thread, {}));
}

function follow(root: Tree, path: readonly string[]): Tree | undefined {
  let at: unknown = root;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Tree)[key];
  }
  return typeof at === 'object' && at !== null ? (at as Tree) : undefined;
}

/** What a proxy stands for is of the scripts' realm: their lists have its methods. */
function emptyOf(thread: GohanThread, value: object): object {
  return thread.evaluate(Array.isArray(value) ? '[]' : '({})', 'gohan-global.js') as object;
}
