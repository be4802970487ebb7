import type { PathToken } from '../entity/path-pattern.ts';

/**
 * A persistent radix tree of path patterns. `withPattern` and `withoutPattern` copy only the nodes on the way to the leaf, so that a change
 * among 10,000 routes costs microseconds and every snapshot keeps its own tree.
 *
 *   /users/            static edge, compressed
 *     ├─ me            leaf
 *     ├─ {id:[0-9]+}   regex edge, tested on the text up to its tail
 *     ├─ {name}        param edge
 *     │    └─ /posts
 *     └─ *             wildcard leaf
 *
 * Precedence at every node: static, regex, param, wildcard, with backtracking; among params those with another tail than `/` first (chi's rules).
 */
export interface PathNode<T> {
  readonly prefix: string;
  readonly statics: readonly PathNode<T>[];
  readonly params: readonly ParamEdge<T>[];
  readonly wildcard: PathLeaf<T> | undefined;
  readonly leaf: PathLeaf<T> | undefined;
}

interface ParamEdge<T> {
  /** Source of the regular expression, undefined for a plain param. */
  readonly source: string | undefined;
  readonly regex: RegExp | undefined;
  readonly tail: string;
  readonly node: PathNode<T>;
}

/** What ends at a node: one endpoint per method. */
export type PathLeaf<T> = ReadonlyMap<string, PathEndpoint<T>>;

export interface PathEndpoint<T> {
  readonly value: T;
  /** The pattern as the route has it. */
  readonly pattern: string;
  readonly names: readonly string[];
}

export interface PathMatch<T> {
  readonly endpoint: PathEndpoint<T> | undefined;
  /** Values of the endpoint's names, percent-encoded as in the path. */
  readonly values: readonly string[];
  /** Methods of the leaves that matched the path when `endpoint` is undefined; empty when no path matched. */
  readonly allowed: readonly string[];
}

export function emptyTree<T>(): PathNode<T> {
  return { prefix: '', statics: [], params: [], wildcard: undefined, leaf: undefined };
}

/** The tree with `endpoint` at `tokens` for `methods`; replaces endpoints that are there. */
export function withPattern<T>(
  root: PathNode<T>,
  tokens: readonly PathToken[],
  methods: readonly string[],
  endpoint: PathEndpoint<T>,
): PathNode<T> {
  return edit(root, tokens, 0, '', (leaf) => {
    const next = new Map(leaf);
    for (const method of methods) next.set(method, endpoint);
    return next;
  });
}

/** The tree without the endpoints of `methods` at `tokens`. */
export function withoutPattern<T>(root: PathNode<T>, tokens: readonly PathToken[], methods: readonly string[]): PathNode<T> {
  return edit(root, tokens, 0, '', (leaf) => {
    const next = new Map(leaf);
    for (const method of methods) next.delete(method);
    return next.size === 0 ? undefined : next;
  });
}

type EditLeaf<T> = (leaf: PathLeaf<T> | undefined) => PathLeaf<T> | undefined;

/** Walks to the place of `tokens` (`rest` is what is left of a static token), copies the way there and applies `change`. */
function edit<T>(node: PathNode<T>, tokens: readonly PathToken[], index: number, rest: string, change: EditLeaf<T>): PathNode<T> {
  if (rest !== '') return editStatic(node, tokens, index, rest, change);
  const token = tokens[index];
  if (token === undefined) return { ...node, leaf: change(node.leaf) };
  if (token.kind === 'static')
    return token.text === '' ? edit(node, tokens, index + 1, '', change) : editStatic(node, tokens, index + 1, token.text, change);
  if (token.kind === 'wildcard') return { ...node, wildcard: change(node.wildcard) };
  const source = token.kind === 'regex' ? token.source : undefined;
  const at = node.params.findIndex((edge) => edge.source === source && edge.tail === token.tail);
  const old = node.params[at];
  const child = edit(old?.node ?? emptyTree<T>(), tokens, index + 1, '', change);
  const params = node.params.filter((_, i) => i !== at);
  if (!isEmpty(child))
    params.push({ source, regex: source === undefined ? undefined : new RegExp(`^(?:${source})$`), tail: token.tail, node: child });
  return { ...node, params: params.toSorted(byPrecedence) };
}

function editStatic<T>(node: PathNode<T>, tokens: readonly PathToken[], index: number, text: string, change: EditLeaf<T>): PathNode<T> {
  const at = node.statics.findIndex((child) => child.prefix[0] === text[0]);
  const old = node.statics[at];
  const others = node.statics.filter((_, i) => i !== at);
  let child: PathNode<T>;
  if (old === undefined) {
    child = { ...edit({ ...emptyTree<T>(), prefix: text }, tokens, index, '', change), prefix: text };
  } else {
    const common = commonLength(old.prefix, text);
    const parent: PathNode<T> =
      common === old.prefix.length
        ? old
        : { ...emptyTree<T>(), prefix: text.slice(0, common), statics: [{ ...old, prefix: old.prefix.slice(common) }] };
    child = edit(parent, tokens, index, text.slice(common), change);
  }
  return { ...node, statics: isEmpty(child) ? others : [...others, child] };
}

function isEmpty(node: PathNode<unknown>): boolean {
  return node.leaf === undefined && node.wildcard === undefined && node.statics.length === 0 && node.params.length === 0;
}

function byPrecedence(a: ParamEdge<unknown>, b: ParamEdge<unknown>): number {
  return Number(a.regex === undefined) - Number(b.regex === undefined) || Number(a.tail === '/') - Number(b.tail === '/');
}

function commonLength(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i += 1;
  return i;
}

/** State of one search; searches are synchronous and never nest, so one is enough and no request allocates its own. */
const search: { method: string; path: string; values: string[]; allowed: string[] } = { method: '', path: '', values: [], allowed: [] };

/** Finds the endpoint for `method` and the canonical `path`. */
export function matchPath<T>(root: PathNode<T>, method: string, path: string): PathMatch<T> {
  search.method = method;
  search.path = path;
  search.values = [];
  search.allowed = [];
  const endpoint = find(root, 0);
  return { endpoint, values: search.values, allowed: endpoint === undefined ? search.allowed : [] };
}

function find<T>(node: PathNode<T>, at: number): PathEndpoint<T> | undefined {
  if (at === search.path.length && node.leaf !== undefined) {
    const endpoint = pick(node.leaf);
    if (endpoint !== undefined) return endpoint;
  }
  if (at < search.path.length) {
    const code = search.path.charCodeAt(at);
    for (let i = 0; i < node.statics.length; i += 1) {
      const child = node.statics[i] as PathNode<T>;
      if (child.prefix.charCodeAt(0) !== code) continue;
      if (search.path.startsWith(child.prefix, at)) {
        const found = find(child, at + child.prefix.length);
        if (found !== undefined) return found;
      }
      break;
    }
    for (let i = 0; i < node.params.length; i += 1) {
      const found = findParam(node.params[i] as ParamEdge<T>, at);
      if (found !== undefined) return found;
    }
  }
  if (node.wildcard === undefined) return undefined;
  const endpoint = pick(node.wildcard);
  if (endpoint !== undefined) search.values.push(search.path.slice(at));
  return endpoint;
}

function findParam<T>(edge: ParamEdge<T>, at: number): PathEndpoint<T> | undefined {
  const { path, values } = search;
  let end = path.indexOf(edge.tail, at);
  if (end < 0) {
    if (edge.tail !== '/') return undefined;
    end = path.length;
  }
  if (end === at) return undefined;
  const value = path.slice(at, end);
  if (edge.regex === undefined ? value.includes('/') : !edge.regex.test(decodeParam(value))) return undefined;
  values.push(value);
  const found = find(edge.node, end);
  if (found === undefined) values.pop();
  return found;
}

function pick<T>(leaf: PathLeaf<T>): PathEndpoint<T> | undefined {
  const endpoint = leaf.get(search.method);
  if (endpoint === undefined) for (const method of leaf.keys()) if (!search.allowed.includes(method)) search.allowed.push(method);
  return endpoint;
}

/** A param as user code sees it: decoded, unless it holds an encoded slash (decoding would then change how many segments there are). */
export function decodeParam(value: string): string {
  if (!value.includes('%') || value.includes('%2F')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
