import { checkKeys } from './check-keys.ts';
import { checkConditions } from './condition.ts';
import { type Cursor, describe, placeText, textAt, textsAt } from './cursor.ts';
import { POLICY_KEYS, POLICY_RESOURCE_KEYS, SCOPES } from './schema-keys.ts';
import type { PolicySource } from './types.ts';

const ATTACH = '__attach__';

/** A policy whose shape was checked; undefined when it is wrong, which is reported. */
export function toPolicySource(cursor: Cursor): PolicySource | undefined {
  if (!checkKeys(cursor, POLICY_KEYS, { closed: true, what: 'a policy' })) return undefined;
  const resource = cursor.at('resource');
  if (cursor.has('resource')) checkKeys(resource, POLICY_RESOURCE_KEYS, { closed: true, what: 'resource' });
  checkTogether(cursor);
  const { value: condition } = cursor.at('condition');
  const { value: target } = cursor.at('target_condition');
  const scope = SCOPES.filter((word) => textsAt(cursor, 'scope').includes(word));
  return {
    id: textAt(cursor, 'id'),
    description: textAt(cursor, 'description'),
    principal: textAt(cursor, 'principal'),
    action: textAt(cursor, 'action'),
    effect: textAt(cursor, 'effect').toLowerCase() === 'deny' ? 'deny' : 'allow',
    path: textAt(resource, 'path'),
    properties: resource.has('properties') ? textsAt(resource, 'properties') : undefined,
    blacklistProperties: resource.has('blacklistProperties') ? textsAt(resource, 'blacklistProperties') : undefined,
    tenantId: textAt(cursor, 'tenant_id') || undefined,
    tenantName: textAt(cursor, 'tenant_name') || undefined,
    scope: cursor.has('scope') ? scope : SCOPES,
    condition: Array.isArray(condition) ? condition : [],
    relationProperty: textAt(cursor, 'relation_property') || undefined,
    targetCondition: Array.isArray(target) ? target : undefined,
    place: placeText(cursor),
  };
}

/** Rules over several keys. */
function checkTogether(cursor: Cursor): void {
  const resource = cursor.at('resource');
  const isAttach = textAt(cursor, 'action') === ATTACH;
  const effect = cursor.at('effect');
  if (typeof effect.value === 'string' && !['', 'allow', 'deny'].includes(effect.value.toLowerCase()))
    effect.report(`expected allow or deny, found ${describe(effect.value)}`);
  if (resource.has('properties') && resource.has('blacklistProperties'))
    resource.at('blacklistProperties').report('a policy has properties or blacklistProperties, not both');
  if (cursor.has('tenant_id') && cursor.has('tenant_name'))
    cursor.at('tenant_name').report('a policy has tenant_id or tenant_name, not both');
  if (isAttach) {
    for (const key of ['relation_property', 'target_condition']) if (!cursor.has(key)) cursor.report(`an attach policy needs ${key}`);
  }
  checkConditions(cursor.at('condition'), { isAttach });
  checkConditions(cursor.at('target_condition'), { isAttach });
}
