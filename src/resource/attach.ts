import { SekishoError } from '../lib/errors.ts';
import { evaluateFilter } from '../policy/evaluate.ts';
import type { AttachPolicy } from '../policy/types.ts';
import { allOf, type Filter } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import type { JsonObject } from './body.ts';
import { idText } from './id-text.ts';
import { policyPath } from './path-shape.ts';
import { findReferences, type Reference } from './references.ts';
import type { Call } from './types.ts';

/**
 * Checks the references that a write makes against the attach policies; all of them must hold.
 * `written` is what the body sets, `source` the whole resource as it will be. Throws RESOURCE_REFERENCE.
 */
export async function checkAttachments(
  { models, identity, type, id }: Pick<Call, 'models' | 'identity' | 'type' | 'id'>,
  session: Session,
  written: JsonObject,
  source: Resource,
): Promise<void> {
  for (const policy of models.policies.attachments(identity, policyPath(type, id))) {
    const references = findReferences(type, policy.relationProperty, written, source);
    for (const [schemaId, same] of Map.groupBy(references, (reference) => reference.schemaId)) {
      const target = models.schemas.resources.get(schemaId);
      if (target !== undefined) await checkReferences(session, { policy, target, source }, same);
    }
  }
}

/** Ids that one statement asks for. */
const BATCH = 256;

interface Rule {
  readonly policy: AttachPolicy;
  readonly target: ResourceType;
  readonly source: Resource;
}

/** The target's rows that the policy's condition reaches decide: an allow policy needs a good one for each reference, a deny policy wants none. */
async function checkReferences(session: Session, { policy, target, source }: Rule, references: readonly Reference[]): Promise<void> {
  const reached = policy.targetFilter(target, source);
  const kept = policy.propertyFilter(target);
  const isRefused = (row: Resource): boolean =>
    (!policy.skipsTenantDomainCheck && !isSameOwner(source, row)) || evaluateFilter(kept, row) === (policy.effect === 'deny');
  for (let at = 0; at < references.length; at += BATCH) {
    const batch = references.slice(at, at + BATCH);
    const wanted: Filter = { kind: 'in', property: 'id', values: batch.map(({ id }) => toIdValue(target, id)) };
    const rows = await session.list(target, { filter: allOf([wanted, reached]), embed: false });
    const byId = new Map(rows.map((row) => [idText(row['id']), row]));
    const refused = batch.find(({ id }) => {
      const row = byId.get(idText(id));
      return row === undefined ? policy.effect === 'allow' : isRefused(row);
    });
    // A database that does not tell large letters from small ones gives rows under another id than the one that was asked for.
    if (refused !== undefined || rows.some(isRefused)) throw toRefusal(refused ?? (batch[0] as Reference));
  }
}

function toIdValue(target: ResourceType, id: string | number): string | number {
  const number = Number(id);
  return target.propertyByName.get('id')?.type === 'integer' && Number.isSafeInteger(number) && id !== '' ? number : id;
}

/** Only what both sides have as a text is compared. */
function isSameOwner(source: Resource, target: Resource): boolean {
  return ['tenant_id', 'domain_id'].every((name) => {
    const [a, b] = [source[name], target[name]];
    return typeof a !== 'string' || typeof b !== 'string' || a === b;
  });
}

function toRefusal({ schemaId, id, pointer }: Reference): SekishoError {
  const detail = `Related resource ${schemaId} ID "${id}" not found`;
  return new SekishoError('RESOURCE_REFERENCE', detail, { errors: [{ pointer, detail }] });
}
