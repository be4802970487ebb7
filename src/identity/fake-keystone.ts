import { FAKE_TENANTS, FAKE_USERS, type FakeUser } from './fake-tokens.ts';

export interface FakeAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: unknown;
}

const TOKEN_LIFETIME_MS = 24 * 3_600_000;

/** The endpoints of the fake Keystone (v2.0), which browsers and Gohan's clients log in with. Undefined for a path that is none of them. */
export function answerFakeKeystone(method: string, path: string, body: unknown, token: string | undefined): FakeAnswer | undefined {
  const isRead = method === 'GET' || method === 'HEAD';
  if (path === '/v2.0/tokens') return method === 'POST' ? logIn(body) : undefined;
  if (path === '/v2.0/tenants') return isRead ? listTenants(token) : undefined;
  const asked = /^\/v2\.0\/tokens\/([^/]+)$/.exec(path)?.[1];
  return asked === undefined || !isRead ? undefined : showToken(asked, 200);
}

/** `{auth: {passwordCredentials: {username}}}` with any password, or `{auth: {token: {id}}}` to change the tenant. */
function logIn(body: unknown): FakeAnswer {
  const auth = field(body, 'auth');
  const username = field(field(auth, 'passwordCredentials'), 'username');
  const token = typeof username === 'string' ? `${username}_token` : field(field(auth, 'token'), 'id');
  if (typeof token !== 'string') return failure(400, 'Bad Request', 'auth needs passwordCredentials.username or token.id');
  return showToken(token, 200);
}

function showToken(token: string, status: number): FakeAnswer {
  const user = FAKE_USERS.get(token);
  return user === undefined ? failure(401, 'Unauthorized', 'authentication error') : { status, body: { access: toAccess(token, user) } };
}

function listTenants(token: string | undefined): FakeAnswer {
  if (token === undefined || !FAKE_USERS.has(token)) return failure(401, 'Unauthorized', 'authentication error');
  return { status: 200, body: { tenants: FAKE_TENANTS.map(toTenant), tenants_links: [] } };
}

function toAccess(token: string, { name, tenant, role }: FakeUser): unknown {
  const now = Date.now();
  return {
    token: {
      id: token,
      issued_at: new Date(now).toISOString(),
      expires: new Date(now + TOKEN_LIFETIME_MS).toISOString(),
      tenant: toTenant(tenant),
    },
    user: { id: name, name, username: name, roles: [{ name: role }], roles_links: [] },
    metadata: { is_admin: role === 'admin' ? 1 : 0, roles: [role] },
    serviceCatalog: [],
  };
}

function toTenant({ id, name }: { readonly id: string; readonly name: string }): unknown {
  return { id, name, description: `${name} tenant`, enabled: true };
}

function failure(code: number, title: string, message: string): FakeAnswer {
  return { status: code, body: { error: { code, title, message } } };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
