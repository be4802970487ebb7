import { crc32 } from 'node:zlib';
import { SekishoError } from '../lib/errors.ts';
import { type Body, sealEntity, unsealEntity } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import type { EntityId } from './types.ts';

/** The value of an entity's key: its JSON with a checksum, fields that are never shown encrypted. Without `entity` it is a deletion that masks. */
export function toEntry(box: SecretBox, id: EntityId, entity: Body | undefined): string {
  const body = entity === undefined ? null : sealEntity(box, id, entity);
  const text = JSON.stringify(body);
  return `{"sum":${toSum(id, text)},"body":${text}}`;
}

/** What such a value holds. STORE_CORRUPT when it is damaged, or was not written by a gateway. */
export function parseEntry(box: SecretBox, id: EntityId, value: string): Body | undefined {
  const parsed = parseObject(value);
  const body = parsed?.['body'];
  // Writing it anew gives the same text: JSON keeps the order of keys.
  if (parsed?.['sum'] !== toSum(id, JSON.stringify(body ?? null)))
    throw new SekishoError('STORE_CORRUPT', `the stored ${id.kind} ${id.name} is damaged, or was not written by a gateway`);
  return body === null ? undefined : unsealEntity(box, id, body as Body);
}

function toSum({ kind, namespace, name }: EntityId, body: string): number {
  return crc32(JSON.stringify([kind, namespace, name, body]));
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
