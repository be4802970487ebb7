import type { GohanThread } from './types.ts';

type Tree = Record<string | symbol, unknown>;

/**
 * The object of `gohan_global`: every access reads the shared one, every change writes it, at any depth. `scope` is the environment, or
 * empty for the object of all. Two requests that change the same object at the same time may lose the change of one, as in Gohan. An inner
 * object that was taken out of it (`var old = g.list; g.list = [];`) stays what it was.
 */
export function openGlobal(thread: GohanThread, scope: string, name: string): object {
  const fetch = (): Tree => {
    const text = thread.call('global.get', scope, name);
    return text === undefined ? {} : (JSON.parse(text) as Tree);
  };
  let seen: { readonly root: Tree; readonly at: number; readonly event: string; readonly callCount: number } | undefined;
  /** A loop over a list asks for it once: what was just read by the same event, which has called nothing since. */
  const read = (): Tree => {
    const { requestId, event, callCount } = thread;
    const running = requestId === '' ? '' : `${requestId} ${event}`;
    if (running !== '' && seen?.event === running && seen.callCount === callCount && performance.now() - seen.at < FRESH_MS)
      return seen.root;
    const root = fetch();
    seen = { root, at: performance.now(), event: running, callCount: thread.callCount };
    return root;
  };
  const change = (part: Part, work: (target: Tree) => void): boolean => {
    const own = part.taken();
    if (own !== undefined) {
      work(own);
      return true;
    }
    const root = fetch();
    const target = part.in(root);
    if (target === undefined) return false;
    work(target);
    thread.call('global.set', scope, name, JSON.stringify(root));
    return true;
  };
  const put = (part: Part, key: string, value: unknown): boolean =>
    change(part, (target) => {
      part.detach(key, target);
      target[key] = value;
      if (key === 'length' && Array.isArray(target)) part.cut(target.length);
    });
  const open = (part: Part, shape: object): object => {
    const now = (): Tree | undefined => part.taken() ?? part.in(read());
    return new Proxy(shape, {
      get(target, key, receiver) {
        if (typeof key === 'symbol') return Reflect.get(target, key, receiver);
        const found = now();
        if (found === undefined || !Object.hasOwn(found, key)) return Reflect.get(target, key, receiver);
        const value = found[key];
        if (typeof value !== 'object' || value === null) return value;
        return part.child(key, (child) => open(child, emptyOf(thread, value)), Array.isArray(value));
      },
      set: (_target, key, value) => typeof key === 'string' && put(part, key, value),
      defineProperty: (_target, key, { value }) => typeof key === 'string' && put(part, key, value),
      deleteProperty: (_target, key) =>
        change(part, (target) => {
          if (typeof key === 'string') part.detach(key, target);
          delete target[key];
        }),
      has: (target, key) => Reflect.has(now() ?? target, key),
      ownKeys: () => Reflect.ownKeys(now() ?? {}),
      getOwnPropertyDescriptor(target, key) {
        const found = Reflect.getOwnPropertyDescriptor(now() ?? {}, key);
        // A list's own length is not configurable, and must be told so.
        if (found === undefined || (Array.isArray(target) && key === 'length')) return found;
        return { ...found, configurable: true };
      },
    });
  };
  return open(new Part(undefined, ''), emptyOf(thread, {}));
}

/** Others may change it meanwhile, and a script may wait for that. */
const FRESH_MS = 2;
const MAX_CHILDREN = 1000;

/** An object within the shared one, by the way to it; once it was replaced or removed there, by itself. */
class Part {
  readonly #parent: Part | undefined;
  readonly #key: string;
  /** Parts below it that scripts hold. */
  readonly #children = new Map<string, { readonly part: WeakRef<Part>; readonly proxy: WeakRef<object>; readonly isList: boolean }>();
  #own: Tree | undefined;

  constructor(parent: Part | undefined, key: string) {
    this.#parent = parent;
    this.#key = key;
  }

  /** What it is now, when it is no longer in the shared object. */
  taken(): Tree | undefined {
    if (this.#own !== undefined || this.#parent === undefined) return this.#own;
    return asTree(this.#parent.taken()?.[this.#key]);
  }

  in(root: Tree): Tree | undefined {
    if (this.#parent === undefined) return root;
    const above = this.#parent.in(root);
    return above !== undefined && Object.hasOwn(above, this.#key) ? asTree(above[this.#key]) : undefined;
  }

  child(key: string, open: (part: Part) => object, isList: boolean): object {
    const known = this.#children.get(key);
    const proxy = known?.isList === isList ? known.proxy.deref() : undefined;
    if (proxy !== undefined) return proxy;
    const part = new Part(this, key);
    const made = open(part);
    if (this.#children.size >= MAX_CHILDREN)
      for (const [name, each] of this.#children) if (each.proxy.deref() === undefined) this.#children.delete(name);
    this.#children.set(key, { part: new WeakRef(part), proxy: new WeakRef(made), isList });
    return made;
  }

  /** The value at the key is about to go: who holds it keeps what it is in `target`. */
  detach(key: string, target: Tree): void {
    const part = this.#children.get(key)?.part.deref();
    this.#children.delete(key);
    if (part !== undefined) part.#own = asTree(target[key]);
  }

  /** A list became shorter. */
  cut(length: number): void {
    for (const key of this.#children.keys()) if (Number(key) >= length) this.#children.delete(key);
  }
}

function asTree(value: unknown): Tree | undefined {
  return typeof value === 'object' && value !== null ? (value as Tree) : undefined;
}

/** What a proxy stands for is of the scripts' realm: their lists have its methods. */
function emptyOf(thread: GohanThread, value: object): object {
  return thread.evaluate(Array.isArray(value) ? '[]' : '({})', 'gohan-global.js') as object;
}
