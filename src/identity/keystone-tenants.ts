import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { unavailable } from './keystone-client.ts';
import type { KeystoneOptions, KeystoneSession } from './keystone-session.ts';
import { createRefreshedList, type RefreshOptions } from './refreshed-list.ts';
import { createTenantDirectory, type Domain, type Tenant, type TenantDirectory } from './tenant-directory.ts';

export interface KeystoneTenantsOptions extends Pick<KeystoneOptions, 'cacheTtlMs'>, Partial<Omit<RefreshOptions, 'ttlMs'>> {
  /** Tenants, or domains, that are kept at most; more are an error. */
  readonly maxCount?: number;
}

type Fields = Readonly<Record<string, unknown>>;

const DEFAULTS = { cacheTtlMs: 900_000, maxStaleMs: 3_600_000, failurePauseMs: 5000, missPauseMs: 5000, maxCount: 100_000 };

/** Keystone's projects and domains (GET /v3/projects, /v3/domains), kept for `cacheTtlMs`, and longer while Keystone is away. Does not close the session. */
export function createKeystoneTenants(session: KeystoneSession, options: KeystoneTenantsOptions = {}): TenantDirectory {
  const { cacheTtlMs, maxStaleMs, failurePauseMs, missPauseMs, maxCount } = { ...DEFAULTS, ...options };
  const refresh = { ttlMs: cacheTtlMs, maxStaleMs, failurePauseMs, missPauseMs };
  const told = async (collection: 'projects' | 'domains'): Promise<readonly Fields[]> => {
    try {
      return await fetchAll(session, collection, maxCount);
    } catch (error) {
      observe({ type: 'error', error: toSekishoError(error), where: `Keystone's ${collection} (the last ones known serve on for a time)` });
      throw error;
    }
  };
  const tenants = createRefreshedList<Tenant>(async () => (await told('projects')).flatMap(toTenant), refresh);
  const domains = createRefreshedList<Domain>(async () => (await told('domains')).flatMap(toDomain), refresh);
  return createTenantDirectory({ tenants: (isMissed) => tenants.get(isMissed), domains: () => domains.get(), close() {} });
}

/** All pages of a collection. Keystone's links may name a host that only others reach, so that of a link only the query is used. */
async function fetchAll(session: KeystoneSession, collection: 'projects' | 'domains', maxCount: number): Promise<readonly Fields[]> {
  const found: Fields[] = [];
  const asked = new Set<string>();
  for (let query: string | undefined = '?enabled=true'; query !== undefined; ) {
    asked.add(query);
    const { status, body } = await session.page(collection, query);
    if (status !== 200)
      throw unavailable(
        `Keystone answers ${status} to the list of ${collection}: the service user ${session.userName} may not list ${collection}`,
      );
    const items = isFields(body) ? body[collection] : undefined;
    if (!isFields(body) || !Array.isArray(items)) throw unavailable(`Keystone answers 200, but with no list of ${collection}`);
    found.push(...items.filter(isFields));
    if (found.length > maxCount) throw unavailable(`Keystone has more than ${maxCount} ${collection}`);
    query = nextQuery(body['links']);
    if (query === undefined && body['truncated'] === true) {
      observe({
        type: 'warning',
        text: `Keystone tells only the first ${found.length} ${collection} (its list_limit); policies and extensions know no others`,
      });
    }
    if (query !== undefined && asked.has(query)) throw unavailable(`The pages of Keystone's ${collection} lead in a circle`);
  }
  return found;
}

function nextQuery(links: unknown): string | undefined {
  const next = isFields(links) ? links['next'] : undefined;
  const url = typeof next === 'string' && next !== '' ? URL.parse(next, 'http://keystone') : null;
  return url === null || url.search === '' ? undefined : url.search;
}

function toTenant({ id, name, domain_id: domainId, enabled }: Fields): readonly Tenant[] {
  if (enabled === false || typeof id !== 'string' || typeof name !== 'string') return [];
  return [{ id, name, domainId: typeof domainId === 'string' ? domainId : '' }];
}

function toDomain({ id, name, enabled }: Fields): readonly Domain[] {
  return enabled === false || typeof id !== 'string' || typeof name !== 'string' ? [] : [{ id, name }];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
