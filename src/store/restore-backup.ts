import { isDeepStrictEqual } from 'node:util';
import { ENTITY_KINDS, toEntityKey } from '../entity/entity-key.ts';
import type { Change, EntityId, EntityKind, EntityTypes } from '../entity/types.ts';
import type { Backup, BackupDocument } from './backup.ts';
import type { Registry } from './registry.ts';
import type { Store, StoreState } from './types.ts';

/** What a restore did, or would do. */
export interface Restored {
  /** Revision and hash of the state that was saved. */
  readonly saved: { readonly revision: number; readonly hash: string };
  /** Revision that serves it now. */
  readonly revision: number;
  readonly entities: { readonly put: number; readonly deleted: number };
  readonly documents: { readonly put: number; readonly deleted: number };
}

interface Plan {
  readonly changes: readonly Change[];
  readonly puts: readonly BackupDocument[];
  readonly deletes: readonly BackupDocument[];
  /** Documents of collections that become others or go: in their way. */
  readonly clears: readonly EntityId[];
}

export interface RestoreOptions {
  readonly store: Pick<Store, 'load' | 'documents'>;
  readonly registry: Pick<Registry, 'apply' | 'documents' | 'revision'>;
  readonly author: string;
  /** Stop after everything was checked. */
  readonly dryRun: boolean;
}

const PAGE = 1000;

/**
 * Makes the state what it was: all entities in one change like any other, with its place in the history, then the documents one by one. What is the same already
 * is left alone, so that a restore that was interrupted is finished by another one. Rejects with what keeps the entities from being served.
 */
export async function restoreBackup(backup: Backup, { store, registry, author, dryRun }: RestoreOptions): Promise<Restored> {
  const state = await store.load();
  const plan = await toPlan(backup, state, store);
  const { changes, puts, deletes, clears } = plan;
  if (changes.length > 0) {
    // Before documents are taken away the rest has to be fit to be served.
    const free = changes.filter((change) => !(change.kind === 'collection' && clears.some((id) => isOf(change, id))));
    if (dryRun || clears.length > 0) await registry.apply(free, { author, dryRun: true });
  }
  if (!dryRun) {
    for (const { namespace, name } of clears) await registry.documents.deleteAll(namespace, name);
    if (changes.length > 0) await registry.apply(changes, { author });
    for (const { namespace, collection, id } of deletes) await registry.documents.delete(namespace, collection, id);
    for (const { namespace, collection, id, data } of puts) await registry.documents.put(namespace, collection, id, data);
  }
  const put = changes.filter(({ op }) => op === 'put').length;
  return {
    saved: { revision: backup.revision, hash: backup.hash },
    revision: registry.revision(),
    entities: { put, deleted: changes.length - put },
    documents: { put: puts.length, deleted: deletes.length },
  };
}

async function toPlan(backup: Backup, state: StoreState, store: Pick<Store, 'documents'>): Promise<Plan> {
  const wanted = new Set<string>();
  const changes: Change[] = [];
  for (const { kind, entity } of backup.entities) {
    const key = toEntityKey(kind, 'namespace' in entity ? entity.namespace : '', entity.name);
    wanted.add(`${kind}\n${key}`);
    if (!isDeepStrictEqual(state.entities[kind].get(key), entity)) changes.push({ op: 'put', kind, entity } as unknown as Change);
  }
  for (const kind of ENTITY_KINDS)
    for (const [key, entity] of state.entities[kind] as ReadonlyMap<string, EntityTypes[EntityKind]>)
      if (!wanted.has(`${kind}\n${key}`))
        changes.push({ op: 'delete', kind, namespace: 'namespace' in entity ? entity.namespace : '', name: entity.name });
  const isMasked = (id: EntityId): boolean => state.masked.some((one) => isDeepStrictEqual(one, id));
  for (const id of backup.masked) if (!isMasked(id)) changes.push({ op: 'delete', ...id });
  return { changes, ...(await planDocuments(backup, state, store, changes)) };
}

async function planDocuments(
  backup: Backup,
  state: StoreState,
  { documents }: Pick<Store, 'documents'>,
  changes: readonly Change[],
): Promise<Omit<Plan, 'changes'>> {
  const toKey = ({ namespace, collection, id }: BackupDocument): string => JSON.stringify([namespace, collection, id]);
  const missing = new Map(backup.documents.map((document) => [toKey(document), document]));
  const deletes: BackupDocument[] = [];
  const clears: EntityId[] = [];
  for (const { namespace, name } of state.entities.collection.values()) {
    const id = { kind: 'collection', namespace, name } as const;
    if (changes.some((change) => isOf(change, id))) {
      clears.push(id);
      continue;
    }
    for (let offset = 0; ; offset += PAGE) {
      const page = await documents.list(namespace, name, { limit: PAGE, offset });
      for (const { id: document, data } of page) {
        const here = { namespace, collection: name, id: document, data };
        const saved = missing.get(toKey(here));
        if (saved === undefined) deletes.push(here);
        else if (isDeepStrictEqual(saved.data, data)) missing.delete(toKey(here));
      }
      if (page.length < PAGE) break;
    }
  }
  return { puts: [...missing.values()], deletes, clears };
}

function isOf(change: Change, { kind, namespace, name }: EntityId): boolean {
  if (change.kind !== kind) return false;
  if (change.op === 'delete') return change.namespace === namespace && change.name === name;
  return 'namespace' in change.entity && change.entity.namespace === namespace && change.entity.name === name;
}
