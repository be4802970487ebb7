import { crc32 } from 'node:zlib';
import { ENTITY_KINDS, emptyEntities, toEntityId, toEntityKey } from '../entity/entity-key.ts';
import type { Change, Entities, EntityKind, EntityTypes } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Body, sealEntity, unsealEntity } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import type { SqliteFile } from './sqlite-file.ts';
import type { EntityId } from './types.ts';

const WHERE = 'WHERE kind = ? AND namespace = ? AND name = ?';

/** Entities as rows of the file: JSON with a checksum, fields that are never shown encrypted. */
export interface EntityRows {
  /** The entity of that id, or undefined. */
  find(id: EntityId): unknown;
  /** Writes one change; a deletion that `isMask` accepts leaves a row without a body. Returns by how many the number of rows grew: -1, 0 or 1. */
  write(change: Change, isMask: (id: EntityId) => boolean): number;
  /** Everything that is stored. STORE_CORRUPT when a row is damaged. */
  readAll(): { readonly entities: Entities; readonly masked: readonly EntityId[] };
  count(): number;
}

export function toEntityRows(file: SqliteFile, box: SecretBox): EntityRows {
  return {
    find({ kind, namespace, name }) {
      const body = file.get(`SELECT body FROM entities ${WHERE}`, kind, namespace, name)?.['body'];
      return typeof body === 'string' ? unsealEntity(box, { kind, namespace, name }, JSON.parse(body) as Body) : undefined;
    },
    write(change, isMask) {
      const id = toEntityId(change);
      const key = [id.kind, id.namespace, id.name] as const;
      const before = file.get(`SELECT 1 FROM entities ${WHERE}`, ...key) === undefined ? 0 : 1;
      if (change.op === 'put' || isMask(id)) {
        const body = change.op === 'put' ? JSON.stringify(sealEntity(box, id, { ...change.entity })) : null;
        file.run('INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?, ?)', ...key, body, toSum(...key, body));
        return 1 - before;
      }
      file.run(`DELETE FROM entities ${WHERE}`, ...key);
      return -before;
    },
    readAll: () => readAll(file, box),
    count: () => Number(file.get('SELECT count(*) AS count FROM entities')?.['count'] ?? 0),
  };
}

function readAll(file: SqliteFile, box: SecretBox): ReturnType<EntityRows['readAll']> {
  const entities = emptyEntities();
  const masked: EntityId[] = [];
  for (const row of file.all('SELECT kind, namespace, name, body, sum FROM entities')) {
    const { kind, namespace, name, body, sum } = row;
    if (!isEntityKind(kind) || typeof namespace !== 'string' || typeof name !== 'string' || (typeof body !== 'string' && body !== null))
      throw damaged(kind, name);
    if (sum !== toSum(kind, namespace, name, body)) throw damaged(kind, name);
    const id: EntityId = { kind, namespace, name };
    if (body === null) masked.push(id);
    // What was stored under a kind is an entity of that kind; the checksum vouches for the row.
    else (entities[kind] as Map<string, unknown>).set(toEntityKey(kind, namespace, name), unsealEntity(box, id, JSON.parse(body) as Body));
  }
  return { entities, masked };
}

/** `changes` as they may be written to the disk, and back. */
export function sealChanges(box: SecretBox, changes: readonly Change[]): readonly unknown[] {
  return changes.map((change) =>
    change.op === 'put' ? { ...change, entity: sealEntity(box, toEntityId(change), { ...change.entity }) } : change,
  );
}

export function unsealChanges(box: SecretBox, sealed: readonly Change[]): readonly Change[] {
  return sealed.map((change) => {
    if (change.op === 'delete') return change;
    const entity = unsealEntity(box, toEntityId(change), { ...change.entity });
    return { op: 'put', kind: change.kind, entity: entity as unknown as EntityTypes[EntityKind] } as Change;
  });
}

function isEntityKind(value: unknown): value is EntityKind {
  return (ENTITY_KINDS as readonly unknown[]).includes(value);
}

function damaged(kind: unknown, name: unknown): SekishoError {
  return new SekishoError('STORE_CORRUPT', `the stored ${String(kind)} ${String(name)} is damaged; nothing was changed`);
}

function toSum(...parts: readonly (string | null)[]): number {
  return crc32(JSON.stringify(parts));
}
