const OPERATIONS = ['list', 'show', 'create', 'update', 'delete'] as const;

/** Events that the gateway runs by itself; all others are actions. */
const LIFE_EVENTS: ReadonlySet<string> = new Set([
  ...OPERATIONS.flatMap((one) => [`pre_${one}`, `pre_${one}_in_transaction`, `post_${one}_in_transaction`, `post_${one}`]),
  ...['state', 'monitoring'].flatMap((one) => [`pre_${one}_update_in_transaction`, `post_${one}_update_in_transaction`]),
  'notification',
  'post-migration',
  'exit',
]);

export function isLifeEvent(event: string): boolean {
  return LIFE_EVENTS.has(event);
}

/** The events that an export of that name handles: `preCreate` is `pre_create` too, `powerOn` the actions `powerOn` and `power_on`. */
export function eventNames(exported: string): readonly string[] {
  const snake = toSnakeCase(exported);
  if (snake === 'post_migration') return ['post-migration'];
  if (snake === exported) return [exported];
  return isLifeEvent(snake) ? [snake] : [exported, snake];
}

/** `tenantId` → `tenant_id`. */
export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]+/g, (upper, at: number) => `${at === 0 ? '' : '_'}${upper.toLowerCase()}`);
}
