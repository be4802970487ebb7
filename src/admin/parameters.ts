import type { QueryParameter } from './route.ts';

/** Query parameters that several routes share. */
export const NAMESPACE: QueryParameter = { name: 'namespace', type: 'string', doc: 'The namespace; `default` when absent.' };
export const COLLECTION: QueryParameter = { name: 'collection', type: 'string', doc: 'The collection of the documents; required.' };
export const EXPECT: QueryParameter = {
  name: 'expect',
  type: 'integer',
  doc: 'Refuse the change (412) unless the state is at this revision; the same as `If-Match`.',
};
export const DRY_RUN: QueryParameter = { name: 'dry_run', type: 'boolean', doc: 'Check and build, but store nothing.' };
