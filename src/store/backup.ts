import { createHash } from 'node:crypto';
import { ENTITY_KINDS } from '../entity/entity-key.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import type { EntityId, EntityKind, EntityTypes } from '../entity/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { type Body, sealEntity, unsealEntity } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import type { Store, StoreState } from './types.ts';

/** A document as a backup has it. Its times are not kept: it is put anew. */
export interface BackupDocument {
  readonly namespace: string;
  readonly collection: string;
  readonly id: string;
  readonly data: unknown;
}

/** What was stored: as much as brings another store to the same state. */
export interface Backup {
  readonly revision: number;
  readonly hash: string;
  readonly entities: readonly { readonly [K in EntityKind]: { readonly kind: K; readonly entity: EntityTypes[K] } }[EntityKind][];
  readonly masked: readonly EntityId[];
  readonly documents: readonly BackupDocument[];
}

const FORMAT = 1;
const PAGE = 1000;

/**
 * Everything that the store holds as JSON text with a checksum; fields that are never shown are encrypted with the key of `box`. The entities are of one revision;
 * documents are read one collection after another. STORE_KEY when there are secrets and no key.
 */
export async function saveBackup(store: Pick<Store, 'load' | 'documents'>, box: SecretBox | undefined, version: string): Promise<string> {
  const state = await store.load();
  const body = {
    sekisho: 'snapshot',
    format: FORMAT,
    version,
    createdAt: new Date().toISOString(),
    key: box?.fingerprint ?? '',
    revision: state.revision,
    hash: state.hash,
    entities: toRows(state, box),
    masked: state.masked,
    documents: await readDocuments(store, state),
  };
  return `${JSON.stringify({ ...body, sum: toSum(body) })}\n`;
}

function toRows({ entities }: StoreState, box: SecretBox | undefined): readonly unknown[] {
  return ENTITY_KINDS.flatMap((kind) =>
    [...(entities[kind] as ReadonlyMap<string, EntityTypes[EntityKind]>).values()].map((entity) => {
      const id = { kind, namespace: 'namespace' in entity ? entity.namespace : '', name: entity.name };
      return { kind, entity: box === undefined ? withoutSecrets(id, entity) : sealEntity(box, id, entity as unknown as Body) };
    }),
  );
}

function withoutSecrets({ kind, name }: EntityId, entity: EntityTypes[EntityKind]): EntityTypes[EntityKind] {
  if (kind === 'secret' || (kind === 'domain' && 'key' in entity))
    throw new SekishoError('STORE_KEY', `the ${kind} ${name} can not be saved without a key that encrypts it: set storage.encryption_key`);
  return entity;
}

async function readDocuments({ documents }: Pick<Store, 'documents'>, { entities }: StoreState): Promise<readonly BackupDocument[]> {
  const found: BackupDocument[] = [];
  for (const { namespace, name: collection } of entities.collection.values()) {
    for (let offset = 0; ; offset += PAGE) {
      const page = await documents.list(namespace, collection, { limit: PAGE, offset });
      found.push(...page.map(({ id, data }) => ({ namespace, collection, id, data })));
      if (page.length < PAGE) break;
    }
  }
  return found;
}

/** The backup in a JSON value. SNAPSHOT_INVALID when it is none, is not whole, or was encrypted with another key; then nobody has changed anything. */
export function parseBackup(value: unknown, box: SecretBox | undefined): Backup {
  if (typeof value !== 'object' || value === null || !('sekisho' in value) || value.sekisho !== 'snapshot')
    throw invalid('this is no file of `sekisho cluster snapshot`; a snapshot of etcd itself is restored with etcdutl');
  const { sum, ...body } = value as Readonly<Record<string, unknown>>;
  if (body['format'] !== FORMAT) throw invalid(`it has format ${String(body['format'])}, this version knows only ${FORMAT}: update it`);
  if (sum !== toSum(body)) throw invalid('the file is damaged, or not whole: its checksum does not match');
  const { key, revision, hash, entities, masked, documents } = body as unknown as Omit<Backup, 'entities'> & {
    readonly key: string;
    readonly entities: readonly { readonly kind: EntityKind; readonly entity: Body }[];
  };
  if (key !== (box?.fingerprint ?? key))
    throw invalid('its secrets are encrypted with another key: set the storage.encryption_key that it was made with');
  if (box === undefined && key !== '') throw invalid('its secrets are encrypted, and this gateway has no key: set storage.encryption_key');
  return {
    revision,
    hash,
    masked,
    documents,
    entities: entities.map(({ kind, entity }) => toEntity(kind, entity, key === '' ? undefined : box)),
  };
}

function toEntity(kind: EntityKind, body: Body, box: SecretBox | undefined): Backup['entities'][number] {
  const id = { kind, namespace: toText(body['namespace']), name: toText(body['name']) };
  try {
    const open = box === undefined ? body : unsealEntity(box, id, body);
    return { kind, entity: parseEntity(kind, open) } as unknown as Backup['entities'][number];
  } catch (error) {
    throw invalid(`${kind} ${id.name}: ${toSekishoError(error).message}`, error);
  }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function toSum(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

function invalid(detail: string, cause?: unknown): SekishoError {
  return new SekishoError('SNAPSHOT_INVALID', detail, { cause });
}
