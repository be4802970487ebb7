import { callAdmin } from '../admin-call.ts';
import { Failure } from '../failure.ts';
import { clientVariable, neededVariable } from './client-env.ts';

/** A token of Keystone, and its catalogue of services when it has one. */
export interface KeystoneToken {
  readonly token: string;
  readonly catalog: readonly CatalogService[];
}

interface CatalogService {
  readonly name?: string;
  readonly endpoints?: readonly {
    readonly interface?: string;
    readonly region?: string;
    readonly region_id?: string;
    readonly url?: string;
  }[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Logs in at the Keystone of the environment (version 3, or the fake one of version 2.0). Rejects with a `Failure`. */
export async function loginAtKeystone(env: NodeJS.ProcessEnv): Promise<KeystoneToken> {
  const url = URL.parse(neededVariable(env, 'authUrl'));
  if (url === null) throw new Failure(2, `OS_AUTH_URL: '${env['OS_AUTH_URL']}' is no address; for example https://keystone.example.com/v3`);
  const server = { url, name: 'Keystone', credentials: {}, follow: false };
  if (url.pathname.replace(/\/$/, '').endsWith('/v2.0')) {
    const { body } = await callAdmin(server, { method: 'POST', path: '/tokens', body: { auth: toV2(env) } });
    const token = (body as { access?: { token?: { id?: unknown } } } | undefined)?.access?.token?.id;
    return { token: needToken(token), catalog: [] };
  }
  const { headers, body } = await callAdmin(server, { method: 'POST', path: '/auth/tokens', body: { auth: toV3(env) } });
  const { catalog = [] } = (body as { token?: { catalog?: readonly CatalogService[] } } | undefined)?.token ?? {};
  return { token: needToken(headers['x-subject-token']), catalog };
}

/** The admin address of the service in the catalogue. Throws a `Failure` when it is not in it. */
export function findEndpoint({ catalog }: KeystoneToken, serviceName: string, region: string | undefined): string {
  const endpoints = catalog.filter(({ name }) => name === serviceName).flatMap(({ endpoints: all = [] }) => all);
  const near = endpoints.filter((endpoint) => region === undefined || (endpoint.region_id ?? endpoint.region) === region);
  const { url } = near.find((endpoint) => endpoint.interface === 'admin') ?? near[0] ?? {};
  if (url === undefined) throw new Failure(1, `Keystone's catalogue has no endpoint of ${serviceName}${region ? ` in ${region}` : ''}`);
  return url;
}

function needToken(token: unknown): string {
  if (typeof token === 'string' && token !== '') return token;
  throw new Failure(1, 'Keystone gave no token; is OS_AUTH_URL its address, ending in /v3?');
}

function toV2(env: NodeJS.ProcessEnv): Fields {
  return {
    passwordCredentials: { username: neededVariable(env, 'userName'), password: neededVariable(env, 'password') },
    tenantName: clientVariable(env, 'tenantName') ?? '',
  };
}

function toV3(env: NodeJS.ProcessEnv): Fields {
  const domain = { name: clientVariable(env, 'userDomain') };
  const user = { name: neededVariable(env, 'userName'), password: neededVariable(env, 'password'), domain };
  const tenantId = clientVariable(env, 'tenantId');
  const tenantName = clientVariable(env, 'tenantName');
  const domainId = clientVariable(env, 'domainId');
  const scope =
    tenantId !== undefined
      ? { project: { id: tenantId } }
      : tenantName !== undefined
        ? { project: { name: tenantName, domain } }
        : { domain: domainId === undefined ? domain : { id: domainId } };
  return { identity: { methods: ['password'], password: { user } }, scope };
}
