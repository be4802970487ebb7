import type { Identity } from '../lib/identity.ts';
import { nearest } from '../lib/nearest.ts';
import { toSafeRegExp } from '../lib/safe-regexp.ts';
import type { PolicySource } from '../schema/types.ts';
import { type Conditions, parseConditions } from './parse-conditions.ts';
import { compilePathPattern, type PathPattern } from './path-pattern.ts';
import type { Report } from './report.ts';

export const ATTACH_ACTION = '__attach__';
const SCOPES = ['tenant', 'domain', 'admin'] as const;

/** One policy, its patterns compiled and its conditions parsed. */
export interface CompiledPolicy {
  readonly id: string;
  /** Place in load order. */
  readonly index: number;
  readonly principal: string;
  readonly action: string;
  readonly isDeny: boolean;
  readonly isAttach: boolean;
  readonly path: PathPattern;
  readonly scopes: ReadonlySet<string>;
  /** Undefined: every tenant. */
  readonly tenant: ((identity: Identity) => boolean) | undefined;
  readonly seesProperty: (name: string) => boolean;
  readonly seesAll: boolean;
  /** Of the caller's access, or of the target of an attach policy. */
  readonly conditions: Conditions;
  readonly relationProperty: string;
}

/** Compiles one policy; what is wrong with it is reported, and then the result is not to be used. */
export function compilePolicy(source: PolicySource, index: number, report: Report): CompiledPolicy {
  const isAttach = source.action === ATTACH_ACTION;
  if (source.properties !== undefined && source.blacklistProperties !== undefined) {
    report('resource has both properties and blacklistProperties; a policy either lists what is visible or what is hidden');
  }
  if (isAttach && (source.relationProperty ?? '') === '')
    report('an __attach__ policy needs relation_property: a property, a path like boxes.[].inner_id, or *');
  if (isAttach && source.targetCondition === undefined) report('an __attach__ policy needs target_condition, a list of conditions');
  const access = parseConditions(source.condition, isAttach ? 'attach' : 'access', report);
  return {
    id: source.id,
    index,
    principal: source.principal,
    action: source.action,
    isDeny: source.effect === 'deny',
    isAttach,
    path: compilePathPattern(source.path, report),
    scopes: new Set(parseScopes(source.scope, report)),
    tenant: compileTenant(source, report),
    seesProperty: compileProperties(source),
    seesAll: source.properties === undefined && (source.blacklistProperties ?? []).length === 0,
    conditions: isAttach ? parseConditions(source.targetCondition ?? [], 'attach', report) : access,
    relationProperty: source.relationProperty ?? '',
  };
}

function parseScopes(scopes: readonly string[], report: Report): readonly string[] {
  for (const scope of scopes) {
    if (SCOPES.some((known) => known === scope)) continue;
    const meant = nearest(scope, SCOPES);
    report(`unknown scope "${scope}"${meant === undefined ? '' : `, did you mean "${meant}"?`}; known are ${SCOPES.join(', ')}`);
  }
  return scopes;
}

function compileTenant(source: PolicySource, report: Report): ((identity: Identity) => boolean) | undefined {
  if (source.tenantId !== undefined && source.tenantName !== undefined) report('tenant_id and tenant_name are both given; use one of them');
  const id = source.tenantId === undefined ? undefined : compileTenantRegExp(source.tenantId, 'tenant_id', report);
  const name = source.tenantName === undefined ? undefined : compileTenantRegExp(source.tenantName, 'tenant_name', report);
  if (id !== undefined) return (identity) => id(identity.tenantId);
  return name === undefined ? undefined : (identity) => name(identity.tenantName);
}

/** Searched in the text, not anchored, as Gohan does. */
function compileTenantRegExp(pattern: string, key: string, report: Report): ((text: string) => boolean) | undefined {
  const result = toSafeRegExp(pattern);
  if ('problem' in result) {
    report(`the regular expression of ${key}, ${JSON.stringify(pattern)}, does not compile: ${result.problem}`);
    return undefined;
  }
  const regexp = new RegExp(result.source);
  return (text) => regexp.test(text);
}

function compileProperties({ properties, blacklistProperties }: PolicySource): (name: string) => boolean {
  if (properties !== undefined) {
    const visible = new Set(properties);
    return (name) => visible.has(name);
  }
  const hidden = new Set(blacklistProperties);
  return hidden.size === 0 ? () => true : (name) => !hidden.has(name);
}
