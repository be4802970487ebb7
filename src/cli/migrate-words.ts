/** What `migrate` can do. */
export const MIGRATE_WORDS = [
  'init',
  'create',
  'plan',
  'up',
  'up-to',
  'up-by-one',
  'down',
  'down-to',
  'redo',
  'status',
  'version',
] as const;
