import type { ResourceType } from '../schema/types.ts';

/** Compiled statements by resource type and shape of the request. */
export interface StatementBook<T> {
  find(type: ResourceType, key: string): T | undefined;
  keep(type: ResourceType, key: string, plan: T): T;
}

/** A book of at most `capacity` statements per type: the oldest goes. Types of an earlier load go with their set. */
export function createStatementBook<T>(capacity = 500): StatementBook<T> {
  const byType = new WeakMap<ResourceType, Map<string, T>>();
  return {
    find: (type, key) => byType.get(type)?.get(key),
    keep(type, key, plan) {
      let plans = byType.get(type);
      if (plans === undefined) {
        plans = new Map();
        byType.set(type, plans);
      }
      if (plans.size >= capacity) {
        // The oldest one: finding the least used would cost on every request.
        const [oldest] = plans.keys();
        if (oldest !== undefined) plans.delete(oldest);
      }
      plans.set(key, plan);
      return plan;
    },
  };
}
