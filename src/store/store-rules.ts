import { isDeepStrictEqual } from 'node:util';
import { toEntityId } from '../entity/entity-key.ts';
import type { Change } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { EntityId } from './types.ts';

/** REVISION_MISMATCH unless the store is at `expect`, when that is given. */
export function checkRevision(expect: number | undefined, revision: number): void {
  if (expect === undefined || expect === revision) return;
  throw new SekishoError('REVISION_MISMATCH', `the state is at revision ${revision}, the change expects ${expect}: read it again`);
}

/** STORE_FAILED when updates between `from` and the first one that is kept are gone: the watcher has to load the state anew. */
export function checkBacklog(from: number, first: number): void {
  if (from >= first - 1) return;
  throw new SekishoError(
    'STORE_FAILED',
    `the updates after revision ${from} are not kept any more (the first is ${first}): load the state and watch from its revision`,
  );
}

/** COLLECTION_NOT_EMPTY when a change deletes a collection that holds documents, or gives it another schema. Called inside the transaction of the change. */
export function checkCollections(
  changes: readonly Change[],
  before: (id: EntityId) => unknown,
  isUsed: (namespace: string, collection: string) => boolean,
): void {
  for (const change of toOrphaning(changes, before)) {
    const { namespace, name } = toEntityId(change);
    if (isUsed(namespace, name)) throw collectionNotEmpty(change);
  }
}

/** The changes that would orphan or invalidate the documents of a collection. */
export function toOrphaning(changes: readonly Change[], before: (id: EntityId) => unknown): readonly Change[] {
  return changes.filter(
    (change) => change.kind === 'collection' && (change.op === 'delete' || isReplaced(before(toEntityId(change)), change.entity)),
  );
}

/** The refusal of such a change while there are documents. */
export function collectionNotEmpty(change: Change): SekishoError {
  const verb = change.op === 'put' ? 'replacing its schema' : 'deleting it';
  return new SekishoError(
    'COLLECTION_NOT_EMPTY',
    `one or more documents already exist for the collection ${toEntityId(change).name}, please delete existing documents before ${verb}`,
  );
}

function isReplaced(before: unknown, after: object): boolean {
  if (typeof before !== 'object' || before === null) return false;
  const schemaOf = (entity: object) => ('schema' in entity ? entity.schema : undefined);
  return !isDeepStrictEqual(schemaOf(before), schemaOf(after));
}
