import type { Identity } from '../../src/lib/identity.ts';

/** What attach policies mean, written down as naively as possible and apart from the code that it checks. It knows the types of its test only. */
export interface AttachRule {
  readonly effect: 'allow' | 'deny';
  readonly relation: string;
  readonly condition: readonly unknown[];
}

/** A body that refers to targets at every depth. */
export interface Refer {
  readonly one_id?: string | null;
  readonly box?: { readonly in_id?: string | null; readonly deep?: { readonly in_id?: string | null } } | null;
  readonly boxes?: readonly { readonly in_id?: string | null }[] | null;
  readonly many?: readonly string[] | null;
  readonly note?: string;
}

interface Target {
  readonly id: string;
  readonly tenant_id: string | null;
  readonly domain_id: string | null;
  readonly state: string | null;
  readonly level: number | null;
}

type Owner = { readonly tenant_id: string; readonly domain_id: string };

export const TARGETS: readonly Target[] = [
  { id: 'a', tenant_id: 't1', domain_id: 'd1', state: 'open', level: 1 },
  { id: 'b', tenant_id: 't1', domain_id: 'd1', state: 'shut', level: 2 },
  { id: 'c', tenant_id: 't1', domain_id: 'd2', state: null, level: 3 },
  { id: 'd', tenant_id: 't2', domain_id: 'd1', state: 'open', level: 2 },
  { id: 'e', tenant_id: 't2', domain_id: 'd2', state: 'gone', level: null },
  { id: 'f', tenant_id: 't3', domain_id: 'd1', state: 'open', level: 1 },
  { id: 'g', tenant_id: null, domain_id: null, state: 'open', level: 1 },
];

/** Undefined when the write is fine; else the places of references that may be told as the reason: those that the first broken rule refuses. */
export function attachOracle(rules: readonly AttachRule[], who: Identity, source: Owner, body: Refer): readonly string[] | undefined {
  for (const rule of rules) {
    const refused = places(rule.relation, body).filter(({ id }) => refuses(rule, who, source, id));
    if (refused.length > 0) return refused.map(({ pointer }) => pointer);
  }
  return undefined;
}

function refuses({ effect, condition }: AttachRule, who: Identity, source: Owner, id: string): boolean {
  const target = TARGETS.find((one) => one.id === id);
  const isReached = target !== undefined && condition.every((one) => reaches(one, condition, who, source, target));
  if (!isReached) return effect === 'allow';
  const isForeign =
    (target.tenant_id !== null && target.tenant_id !== source.tenant_id) ||
    (target.domain_id !== null && target.domain_id !== source.domain_id);
  if (isForeign && !condition.includes('skip_tenant_domain_check')) return true;
  const isKept = condition.every((one) => keeps(one, target));
  return effect === 'allow' ? !isKept : isKept;
}

function reaches(one: unknown, all: readonly unknown[], who: Identity, source: Owner, target: Target): boolean {
  if (one === 'is_owner')
    return who.scope === 'admin' || (isDomain(who, target) && [who.tenantId, ...opened(all)].includes(target.tenant_id ?? ''));
  if (one === 'is_domain_owner') return who.scope === 'admin' || isDomain(who, target);
  const tree = JSON.stringify(one);
  if (tree.includes('same_tenancy')) return target.tenant_id === source.tenant_id && target.domain_id === source.domain_id;
  if (tree.startsWith('{"or"')) return reaches('is_owner', [], who, source, target) || target.state === 'open';
  if (tree.startsWith('{"and"')) return target.level !== null && target.level !== 2 && target.level !== 3;
  return true;
}

const isDomain = (who: Identity, target: Target): boolean => target.domain_id === who.domainId;

/** Of the conditions of the test, one opens t2, one the tenant whose name is like dev-, which is t3, and one is for updates and not for this. */
function opened(all: readonly unknown[]): readonly string[] {
  const text = JSON.stringify(all);
  return [...(text.includes('"tenant_id":"t2"') ? ['t2'] : []), ...(text.includes('^dev-') ? ['t3'] : [])];
}

function keeps(one: unknown, target: Target): boolean {
  const text = JSON.stringify(one);
  if (!text.includes('"property","match"') && !text.includes('"__attach__"')) return true;
  return text.includes('state') ? target.state === 'open' || target.state === 'shut' : target.level === 1 || target.level === 2;
}

interface Place {
  readonly pointer: string;
  readonly id: string;
}

function places(relation: string, body: Refer): readonly Place[] {
  const all: [relation: readonly string[], pointer: string, id: string | null | undefined][] = [
    [['one_id'], '/one_id', body.one_id],
    [['box.in_id'], '/box/in_id', body.box?.in_id],
    [['box.deep.in_id'], '/box/deep/in_id', body.box?.deep?.in_id],
  ];
  body.boxes?.forEach(({ in_id: id }, index) => all.push([['boxes.[].in_id', 'boxes.in_id'], `/boxes/${index}/in_id`, id]));
  body.many?.forEach((id, index) => all.push([['many', 'many.[]'], `/many/${index}`, id]));
  return all.flatMap(([names, pointer, id]) => ((relation === '*' || names.includes(relation)) && id ? [{ pointer, id }] : []));
}
