/** What an edit does to one key: the value that it gets, or undefined when it goes. */
export type MapEdit<V> = readonly [key: string, value: V | undefined];

type Node<V> = ReadonlyMap<string, V> | Branch<V>;

interface Branch<V> {
  readonly size: number;
  readonly children: readonly Node<V>[];
}

/** So many entries lie in one map; more are spread over branches by five bits of their hash. */
const LEAF_SIZE = 32;
const BITS = 5;
const WIDTH = 1 << BITS;
const MAX_SHIFT = 30;

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();
const NO_CHILDREN: readonly Node<never>[] = Array.from({ length: WIDTH }, () => EMPTY);

/**
 * A map that never changes: an edit makes another one, which shares all that is the same. So a change of one among 20,000 entries costs microseconds, and
 * so does finding out in what two such maps differ. Up to 32 entries keep the order in which they came, more have none.
 */
export class SharedMap<V> implements ReadonlyMap<string, V> {
  readonly root: Node<V>;

  constructor(root: Node<V> = EMPTY) {
    this.root = root;
  }

  get size(): number {
    return this.root.size;
  }

  get(key: string): V | undefined {
    let node = this.root;
    if (node instanceof Map) return node.get(key);
    const hash = hashOf(key);
    for (let shift = 0; 'children' in node; shift += BITS) node = childOf(node, (hash >>> shift) & (WIDTH - 1));
    return node.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** The map after `edits`; of several of one key the last counts. */
  with(edits: Iterable<MapEdit<V>>): SharedMap<V> {
    const last = new Map(edits);
    return last.size === 0 ? this : new SharedMap(editNode(this.root, last, 0));
  }

  *entries(): MapIterator<[string, V]> {
    for (const leaf of leavesOf(this.root)) yield* leaf;
  }

  *keys(): MapIterator<string> {
    for (const leaf of leavesOf(this.root)) yield* leaf.keys();
  }

  *values(): MapIterator<V> {
    for (const leaf of leavesOf(this.root)) yield* leaf.values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

/** `map` itself when it is one that shares, else one with its entries. */
export function toSharedMap<V>(map: ReadonlyMap<string, V>): SharedMap<V> {
  return map instanceof SharedMap ? map : new SharedMap<V>().with(map);
}

/** The keys whose values are not the same object in both; costs what differs when one map came of the other. */
export function diffKeys<V>(before: ReadonlyMap<string, V>, after: ReadonlyMap<string, V>): ReadonlySet<string> {
  const keys = new Set<string>();
  if (before !== after) diffNodes(toSharedMap(before).root, toSharedMap(after).root, keys);
  return keys;
}

function diffNodes<V>(before: Node<V>, after: Node<V>, keys: Set<string>): void {
  if (before === after) return;
  if ('children' in before && 'children' in after) {
    for (let i = 0; i < WIDTH; i += 1) diffNodes(childOf(before, i), childOf(after, i), keys);
    return;
  }
  const [old, now] = [toLeaf(before), toLeaf(after)];
  for (const [key, value] of old) if (now.get(key) !== value) keys.add(key);
  for (const key of now.keys()) if (!old.has(key)) keys.add(key);
}

function editNode<V>(node: Node<V>, edits: ReadonlyMap<string, V | undefined>, shift: number): Node<V> {
  if (!('children' in node)) return editLeaf(node, edits, shift);
  const children = [...node.children];
  let { size } = node;
  for (const [index, some] of groupByChild(edits, shift)) {
    const before = childOf(node, index);
    const after = editNode(before, some, shift + BITS);
    children[index] = after;
    size += after.size - before.size;
  }
  const branch = { size, children };
  return size > LEAF_SIZE ? branch : toLeaf(branch);
}

function editLeaf<V>(leaf: ReadonlyMap<string, V>, edits: ReadonlyMap<string, V | undefined>, shift: number): Node<V> {
  const next = new Map(leaf);
  for (const [key, value] of edits) {
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  if (next.size <= LEAF_SIZE || shift > MAX_SHIFT) return next;
  return editNode({ size: 0, children: NO_CHILDREN }, next, shift);
}

function groupByChild<V>(edits: ReadonlyMap<string, V>, shift: number): ReadonlyMap<number, ReadonlyMap<string, V>> {
  const groups = new Map<number, Map<string, V>>();
  for (const [key, value] of edits) {
    const index = (hashOf(key) >>> shift) & (WIDTH - 1);
    const group = groups.get(index);
    if (group === undefined) groups.set(index, new Map([[key, value]]));
    else group.set(key, value);
  }
  return groups;
}

function toLeaf<V>(node: Node<V>): ReadonlyMap<string, V> {
  return 'children' in node ? new Map(leavesOf(node).flatMap((leaf) => [...leaf])) : node;
}

function leavesOf<V>(node: Node<V>): readonly ReadonlyMap<string, V>[] {
  return 'children' in node ? node.children.flatMap(leavesOf<V>) : [node];
}

function childOf<V>({ children }: Branch<V>, index: number): Node<V> {
  return children[index] ?? EMPTY;
}

/** FNV-1a, mixed so that names which differ at their end alone differ in every bit. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
