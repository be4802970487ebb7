import { EntityError } from './entity-error.ts';
import { METHODS } from './field-rule.ts';
import { parsePathPattern, toPathShape } from './path-pattern.ts';
import { areExclusive } from './tag-conditions.ts';
import type { Route } from './types.ts';

const SHARDS = 256;

interface Claim {
  readonly route: string;
  readonly path: string;
  /** Bit i stands for `METHODS[i]`. */
  readonly methods: number;
  /** Routes for different nodes may have the same path. */
  readonly tags: readonly string[] | undefined;
}

/**
 * Which route has which path and method in which namespace. Persistent: an edit copies one of 256 shards, so that it costs microseconds among
 * 10,000 routes and the former claims stay valid when a change is refused later on.
 */
export type RouteClaims = readonly (ReadonlyMap<string, readonly Claim[]> | undefined)[];

/** Claims of no route. */
export function emptyClaims(): RouteClaims {
  return Array.from({ length: SHARDS }, () => undefined);
}

/** The claims without those of `removed` and with those of `added`. ENTITY_CONFLICT when two routes of a namespace would answer the same path and method on one node. */
export function replaceClaims(claims: RouteClaims, removed: readonly Route[], added: readonly Route[]): RouteClaims {
  const next = [...claims];
  const owned = new Map<number, Map<string, readonly Claim[]>>();
  const shardOf = (key: string) => {
    const index = hash(key) % SHARDS;
    let shard = owned.get(index);
    if (shard === undefined) {
      shard = new Map(next[index]);
      owned.set(index, shard);
      next[index] = shard;
    }
    return shard;
  };
  for (const route of removed) for (const path of route.paths) drop(shardOf, route, path);
  for (const route of added) for (const path of route.paths) claim(shardOf, route, path);
  return next;
}

function drop(shardOf: (key: string) => Map<string, readonly Claim[]>, route: Route, path: string): void {
  const key = toClaimKey(route, path);
  const shard = shardOf(key);
  const left = (shard.get(key) ?? []).filter((other) => other.route !== route.name);
  if (left.length === 0) shard.delete(key);
  else shard.set(key, left);
}

function claim(shardOf: (key: string) => Map<string, readonly Claim[]>, route: Route, path: string): void {
  const key = toClaimKey(route, path);
  const shard = shardOf(key);
  const methods = toMethodBits(route.methods);
  const others = shard.get(key) ?? [];
  for (const other of others) {
    const both = other.methods & methods;
    if (both !== 0 && !areExclusive(route.tags, other.tags)) throw conflict(route, path, other, both);
  }
  shard.set(key, [...others, { route: route.name, path, methods, tags: route.tags }]);
}

function conflict(route: Route, path: string, other: Claim, bits: number): EntityError {
  const methods = bits === toMethodBits(['*']) ? 'every method' : METHODS.filter((_, i) => bits & (1 << i)).join(', ');
  const same = other.path === path ? '' : ` as ${other.path}`;
  const detail =
    other.route === route.name
      ? `route ${JSON.stringify(route.name)}: the path ${path} is there twice${same}`
      : `route ${JSON.stringify(route.name)}: multiple handlers for ${methods} at ${path}; the route ${JSON.stringify(other.route)} has it already${same}`;
  const index = route.paths.lastIndexOf(path);
  return new EntityError('ENTITY_CONFLICT', { kind: 'route', namespace: route.namespace, name: route.name }, detail, {
    errors: [{ pointer: `/paths/${index}`, detail }],
  });
}

function toClaimKey(route: Route, path: string): string {
  return `${route.namespace}\n${toPathShape(parsePathPattern(path))}`;
}

function toMethodBits(methods: readonly string[]): number {
  if (methods.includes('*')) return (1 << METHODS.length) - 1;
  return METHODS.reduce((bits, method, i) => (methods.includes(method) ? bits | (1 << i) : bits), 0);
}

function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i += 1) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return value >>> 0;
}
