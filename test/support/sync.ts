import { createEtcd } from '../../src/etcd/client.ts';
import type { Etcd } from '../../src/etcd/types.ts';
import { TRUE } from '../../src/schema/filter.ts';
import { toResourcePath } from '../../src/schema/resource-path.ts';
import type { ResourceType, SchemaSet } from '../../src/schema/types.ts';
import type { Database, EventRow, Resource, Session } from '../../src/sql/types.ts';
import { schemasOf } from './databases.ts';

const FIELD = 'title: t, description: d, permission: [create, update]';

function schema(id: string, metadata: string, more: readonly string[] = []): string {
  return [
    `- {id: ${id}, singular: ${id}, plural: ${id}s, prefix: /v1, title: t, description: d, metadata: ${metadata}${more.map((word) => `, ${word}`).join('')},`,
    `   schema: {type: object, properties: {id: {${FIELD}, type: string}, name: {${FIELD}, type: [string, 'null']},`,
    `   device_id: {${FIELD}, type: [string, 'null']}, size: {${FIELD}, type: [integer, 'null']}}}}`,
  ].join('\n');
}

/** Resources of every kind that the sync layer tells apart, as a schema file. */
export const SYNC_SCHEMA_TEXT = [
  'schemas:',
  schema('net', '{state_versioning: true}'),
  schema('port', '{}', ['parent: net', 'on_parent_delete_cascade: true']),
  schema('vm', '{state_versioning: true, sync_key_template: "/dev/{{device_id}}/vm/{{id}}"}'),
  schema('note', '{sync_plain: true, sync_property: name, sync_skip_config_prefix: true}'),
  schema('quiet', '{nosync: true}'),
  '',
].join('\n');

export const SYNC_SCHEMAS: SchemaSet = schemasOf(SYNC_SCHEMA_TEXT);

export function syncType(id: string): ResourceType {
  const type = SYNC_SCHEMAS.resources.get(id);
  if (type === undefined) throw new Error(`no schema ${id}`);
  return type;
}

/** Changes resources as the REST API does it: row, then event row, in one transaction. */
export interface Changes {
  create(type: ResourceType, resource: Resource): Promise<void>;
  /** False when there is no such row. */
  update(type: ResourceType, id: string, changes: Resource): Promise<boolean>;
  delete(type: ResourceType, id: string): Promise<boolean>;
}

export function changesOf(database: Database): Changes {
  const write = <T>(work: (session: Session) => Promise<T>): Promise<T> => database.transaction(work, { isolation: 'READ COMMITTED' });
  return {
    create: (type, resource) =>
      write(async (session) => {
        await session.insert(type, resource);
        await log(session, type, 'create', { resource: await fetch(session, type, resource['id']), version: 1 });
      }),
    update: (type, id, changes) =>
      write(async (session) => {
        const before = await session.fetch(type, id, { filter: TRUE, embed: false, lock: 'skip_related' });
        if (before === undefined) return false;
        await session.update(type, id, changes);
        const resource = await fetch(session, type, id);
        const version = await versionOf(session, type, id);
        if (type.id === 'vm' && before['device_id'] !== resource['device_id'])
          await log(session, type, 'delete', { resource: before, version });
        await log(session, type, 'update', { resource, version });
        return true;
      }),
    delete: (type, id) =>
      write(async (session) => {
        const resource = await session.fetch(type, id, { filter: TRUE, embed: false, lock: 'skip_related' });
        if (resource === undefined) return false;
        const rows = [...(await session.cascade(type, id)), { type, resource }];
        const gone = [];
        for (const row of rows) gone.push({ ...row, version: await versionOf(session, row.type, String(row.resource['id'])) });
        await session.delete(type, id);
        for (const row of gone) await log(session, row.type, 'delete', { ...row, version: row.version === 0 ? 0 : row.version + 1 });
        return true;
      }),
  };
}

async function fetch(session: Session, type: ResourceType, id: unknown): Promise<Resource> {
  const row = await session.fetch(type, id, { filter: TRUE, embed: false });
  if (row === undefined) throw new Error(`${String(id)} is not there`);
  return row;
}

async function versionOf(session: Session, type: ResourceType, id: string): Promise<number> {
  if (!type.stateVersioning) return 0;
  const row = await session.fetch(type, id, { filter: TRUE, embed: false, fields: ['config_version'] });
  return Number(row?.['config_version'] ?? 0);
}

async function log(
  session: Session,
  type: ResourceType,
  kind: EventRow['type'],
  { resource, version }: { readonly resource: Resource; readonly version: number },
): Promise<void> {
  if (type.noSync) return;
  await session.logEvent({
    type: kind,
    path: toResourcePath(type, String(resource['id'])),
    version,
    body: JSON.stringify(resource),
    syncPlain: type.metadata['sync_plain'] === true,
    syncProperty: typeof type.metadata['sync_property'] === 'string' ? type.metadata['sync_property'] : '',
  });
}

/** What etcd should hold of the rows that there are, by key; bodies as objects. */
export async function expectedKeys(database: Database): Promise<ReadonlyMap<string, unknown>> {
  const keys = new Map<string, unknown>();
  for (const type of ['net', 'port', 'vm', 'note'].map(syncType)) {
    for (const row of await database.reader.list(type, { filter: TRUE, embed: false })) {
      const path =
        type.id === 'vm' ? `/dev/${String(row['device_id'] ?? '')}/vm/${String(row['id'])}` : `/v1/${type.id}s/${String(row['id'])}`;
      if (type.id !== 'note') keys.set(`/config${path}`, row);
      else if (row['name'] !== '') keys.set(path, row['name'] ?? 'null');
    }
  }
  return keys;
}

/** What etcd holds under the keys of resources, in the same form. */
export async function presentKeys(etcd: Etcd): Promise<ReadonlyMap<string, unknown>> {
  const keys = new Map<string, unknown>();
  for (const prefix of ['/config/', '/v1/'])
    for await (const page of etcd.pages({ prefix }))
      for (const { key, value } of page.kvs) {
        const text = value.toString();
        keys.set(key, prefix === '/v1/' ? text : JSON.parse((JSON.parse(text) as { readonly body: string }).body));
      }
  return keys;
}

/** A client of its own, for a test to look with. */
export function openEtcd(endpoints: readonly string[]): Etcd {
  return createEtcd({ endpoints }, { observe: () => undefined });
}
