/** What `cluster` can do. */
export const CLUSTER_WORDS = [
  'status',
  'nodes',
  'members',
  'add',
  'remove',
  'promote',
  'defragment',
  'disarm',
  'snapshot',
  'restore',
] as const;
