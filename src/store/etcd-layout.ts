import { ENTITY_KINDS } from '../entity/entity-key.ts';
import type { EntityKind } from '../entity/types.ts';
import type { EntityId } from './types.ts';

/**
 * Which keys the store has in etcd:
 *
 *     PREFIX/store/state                         where the history ends; every change writes it, comparing its revision
 *     PREFIX/store/entities/KIND/NAMESPACE/NAME  an entity, or the deletion of one that masks another
 *     PREFIX/store/turns/NODE                    a node whose change was outrun: it goes first now
 *     PREFIX/history/REVISION                    one change with its author
 *     PREFIX/parts/REVISION/CHANGE/N             the body of a change that is too large for one transaction
 *     PREFIX/documents/NAMESPACE/COLLECTION/ID   a document
 *
 * `PREFIX/store/` is what the nodes follow.
 */
export interface EtcdLayout {
  readonly followed: string;
  readonly state: string;
  /** What the keys of nodes that wait for their turn begin with. */
  readonly turns: string;
  entity(id: EntityId): string;
  /** The entity that a key is of; undefined when it is of none, or of a kind that is not known here. */
  toEntityId(key: string): EntityId | undefined;
  readonly history: string;
  /** In the order of the revisions. */
  record(revision: number): string;
  /** What the keys of the parts of a change begin with. */
  parts(revision: number, change: string): string;
  part(revision: number, change: string, index: number): string;
  /** What the keys of all parts of a revision begin with, those of changes that came too late included. */
  partsOf(revision: number): string;
  readonly allParts: string;
  readonly allDocuments: string;
  /** What the keys of a collection's documents begin with. */
  documents(namespace: string, collection: string): string;
  /** What a key beneath `allDocuments` is of; undefined when it is of no document. */
  toDocumentPlace(key: string): DocumentPlace | undefined;
}

/** What names a document. */
export interface DocumentPlace {
  readonly namespace: string;
  readonly collection: string;
  readonly id: string;
}

const REVISION_DIGITS = 16;

/** The keys beneath `prefix`, such as `/sekisho`. */
export function toEtcdLayout(prefix: string): EtcdLayout {
  const root = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  const followed = `${root}/store/`;
  const entities = `${followed}entities/`;
  const history = `${root}/history/`;
  const allParts = `${root}/parts/`;
  const allDocuments = `${root}/documents/`;
  const partsOf = (revision: number): string => `${allParts}${pad(revision)}/`;
  const parts = (revision: number, change: string): string => `${partsOf(revision)}${change}/`;
  return {
    followed,
    state: `${followed}state`,
    turns: `${followed}turns/`,
    entity: ({ kind, namespace, name }) => `${entities}${kind}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`,
    toEntityId: (key) => (key.startsWith(entities) ? parseEntityKey(key.slice(entities.length)) : undefined),
    history,
    record: (revision) => history + pad(revision),
    partsOf,
    parts,
    part: (revision, change, index) => parts(revision, change) + String(index).padStart(4, '0'),
    // Ids stand as they are: their order is that of the keys.
    documents: (namespace, collection) => `${allDocuments}${encodeURIComponent(namespace)}/${encodeURIComponent(collection)}/`,
    toDocumentPlace: (key) => (key.startsWith(allDocuments) ? parseDocumentKey(key.slice(allDocuments.length)) : undefined),
    allParts,
    allDocuments,
  };
}

function pad(revision: number): string {
  return String(revision).padStart(REVISION_DIGITS, '0');
}

function parseEntityKey(text: string): EntityId | undefined {
  const [kind = '', namespace, name, ...rest] = text.split('/');
  if (!isEntityKind(kind) || rest.length > 0) return undefined;
  const names = decode([namespace, name]);
  return names && { kind, namespace: names[0] ?? '', name: names[1] ?? '' };
}

function parseDocumentKey(text: string): DocumentPlace | undefined {
  const [namespace, collection, ...id] = text.split('/');
  const names = decode([namespace, collection]);
  return names && { namespace: names[0] ?? '', collection: names[1] ?? '', id: id.join('/') };
}

function decode(parts: readonly (string | undefined)[]): readonly string[] | undefined {
  try {
    return parts.includes(undefined) ? undefined : parts.map((part = '') => decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

function isEntityKind(value: string): value is EntityKind {
  return (ENTITY_KINDS as readonly string[]).includes(value);
}
