import { SharedMap } from '../lib/shared-map.ts';
import { toEntityKey } from './entity-key.ts';
import type { EntityKind, Route } from './types.ts';

/** The routes by what they refer to, which is their namespace, their service and their modules. Persistent. */
export type RouteUsers = SharedMap<SharedMap<Route>>;

type Used = Extract<EntityKind, 'namespace' | 'service' | 'module'>;

/** The index without what `removed` refer to, and with what `added` do. */
export function replaceUsers(users: RouteUsers, removed: Iterable<Route>, added: Iterable<Route>): RouteUsers {
  const edits = new Map<string, Map<string, Route | undefined>>();
  const note = (route: Route, value: Route | undefined): void => {
    const key = toEntityKey('route', route.namespace, route.name);
    for (const used of referencesOf(route)) {
      const some = edits.get(used);
      if (some === undefined) edits.set(used, new Map([[key, value]]));
      else some.set(key, value);
    }
  };
  for (const route of removed) note(route, undefined);
  for (const route of added) note(route, route);
  return users.with(
    [...edits].map(([used, some]) => {
      const routes = (users.get(used) ?? new SharedMap<Route>()).with(some);
      return [used, routes.size === 0 ? undefined : routes];
    }),
  );
}

/** The routes that refer to the entity with this key, by their keys. */
export function usersOf(users: RouteUsers, kind: Used, key: string): ReadonlyMap<string, Route> {
  return users.get(toUsedKey(kind, key)) ?? new Map();
}

function referencesOf({ namespace, service, modules = [] }: Route): readonly string[] {
  const used = [toUsedKey('namespace', namespace)];
  if (service !== undefined) used.push(toUsedKey('service', toEntityKey('service', namespace, service)));
  for (const module of modules) used.push(toUsedKey('module', toEntityKey('module', namespace, module)));
  return used;
}

function toUsedKey(kind: Used, key: string): string {
  return `${kind}\n${key}`;
}
