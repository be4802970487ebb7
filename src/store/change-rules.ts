import { isDeepStrictEqual } from 'node:util';
import { toEntityId, toEntityKey } from '../entity/entity-key.ts';
import type { Change, Domain, Entities, EntityId } from '../entity/types.ts';
import { observe } from '../lib/event.ts';
import { checkCertificate } from './certificate.ts';
import { compileDocumentSchema } from './document-schema.ts';
import { collectionNotEmpty } from './store-rules.ts';
import type { DocumentStore } from './types.ts';

const EXPIRY_WARNING_DAYS = 30;

/**
 * Checks of changes beyond shape and references: certificates parse and fit their keys, schemas compile, a collection with documents stays as it is.
 * Gives warnings in words. Without `documents`, for what is stored already, those are not asked about.
 */
export async function checkChangeRules(
  changes: readonly Change[],
  served: Entities,
  documents: DocumentStore | undefined,
): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const change of changes) {
    if (change.op === 'put' && change.kind === 'domain') warnings.push(...checkDomain(change.entity));
    if (change.op === 'put' && change.kind === 'collection') compileDocumentSchema(change.entity);
    if (documents === undefined || !breaksDocuments(change, served)) continue;
    const { namespace, name } = toEntityId(change);
    if ((await documents.count(namespace, name)) > 0) throw collectionNotEmpty(change);
  }
  return warnings;
}

/** The collections of which `changes` would orphan or invalidate documents. */
export function toChangingCollections(changes: readonly Change[], served: Entities): readonly EntityId[] {
  return changes.filter((change) => breaksDocuments(change, served)).map(toEntityId);
}

function breaksDocuments(change: Change, served: Entities): boolean {
  if (change.kind !== 'collection') return false;
  if (change.op === 'delete') return true;
  const before = served.collection.get(toEntityKey('collection', change.entity.namespace, change.entity.name));
  return before !== undefined && !isDeepStrictEqual(before.schema, change.entity.schema);
}

function checkDomain(domain: Domain): readonly string[] {
  const daysLeft = checkCertificate(domain);
  if (daysLeft === undefined || daysLeft >= EXPIRY_WARNING_DAYS) return [];
  observe({ type: 'certificate.expiring', domain: domain.name, namespace: domain.namespace, daysLeft });
  const when = daysLeft < 0 ? `expired ${-daysLeft} days ago` : `expires in ${daysLeft} days`;
  return [`the certificate of the domain ${domain.name} ${when}`];
}
