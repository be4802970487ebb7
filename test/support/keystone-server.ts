import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKeystoneCollections, type KeystoneCollections } from './keystone-collections.ts';

/** What a token is for, as Keystone writes it into the token. */
export interface TokenScope {
  readonly project?: { readonly id: string; readonly name: string; readonly domain: { readonly id: string; readonly name: string } };
  readonly domain?: { readonly id: string; readonly name: string };
  readonly system?: { readonly all: boolean };
  readonly is_admin_project?: boolean;
}

type Fault = number | 'hang-up' | 'garbage' | 'silence' | 'flood';

interface StoredToken {
  readonly body: Record<string, unknown>;
  readonly roles: readonly string[];
  readonly expiresAt: number;
  isRevoked: boolean;
}

/** A Keystone v3 identity service: the /v3/auth/tokens resource of its API, with users, roles, scopes, expiry and revocation, and the lists of projects and domains. */
export interface KeystoneServer extends AsyncDisposable {
  /** Ends in /v3. */
  readonly url: string;
  /** Requests so far: tokens that were issued, validations, and pages of projects and domains. */
  readonly counts: { issued: number; validated: number; listed: number };
  /** Its projects and domains. */
  readonly collections: KeystoneCollections;
  /** How many requests were under way at the same time at most. */
  readonly peak: () => number;
  /** Makes a token without a login. */
  issueToken(scope: TokenScope, roles: readonly string[], lifeMs?: number, skewMs?: number): string;
  /** Tokens that the password of the service user gets live so long, told by a clock that is `skewMs` ahead of ours. */
  setServiceLife(ms: number, skewMs?: number): void;
  revoke(token: string): void;
  /** All tokens of the service user die, as when Keystone's keys are lost. */
  revokeService(): void;
  /** What the service answers instead of doing its work: a status, a dead socket, or bytes that are no JSON. Undefined: it works. */
  breakWith(fault: Fault | undefined): void;
  /** The same for the lists alone. */
  breakLists(fault: Fault | undefined): void;
  /** Milliseconds before each answer. */
  setDelay(ms: number): void;
}

export const SERVICE_USER = { userName: 'sekisho', password: 'service-secret', domainName: 'Default', tenantName: 'service' } as const;

/** Starts the service on a free port of loopback. */
export async function startKeystone(): Promise<KeystoneServer> {
  const tokens = new Map<string, StoredToken>();
  const serviceTokens: string[] = [];
  const counts = { issued: 0, validated: 0, listed: 0 };
  const collections = createKeystoneCollections();
  let serviceLife = 3_600_000;
  let serviceSkew = 0;
  let fault: Fault | undefined;
  let listFault: Fault | undefined;
  let delay = 0;
  let active = 0;
  let peak = 0;

  const issueToken = (scope: TokenScope, roles: readonly string[], lifeMs = 3_600_000, skewMs = 0): string => {
    const token = `gAAAA${randomBytes(24).toString('base64url')}`;
    const expiresAt = Date.now() + lifeMs;
    const body = {
      methods: ['password'],
      user: { id: 'user-1', name: 'ann', domain: { id: 'default', name: 'Default' }, password_expires_at: null },
      audit_ids: [randomBytes(16).toString('base64url')],
      // Keystone writes six digits of a second.
      expires_at: new Date(expiresAt + skewMs).toISOString().replace('Z', '000Z'),
      issued_at: new Date(Date.now() + skewMs).toISOString().replace('Z', '000Z'),
      roles: roles.map((name) => ({ id: `role-${name}`, name })),
      is_domain: false,
      catalog: [{ type: 'identity', name: 'keystone', endpoints: [] }],
      ...scope,
    };
    tokens.set(token, { body, roles, expiresAt, isRevoked: false });
    return token;
  };
  const find = (token: string | undefined): StoredToken | undefined => {
    const found = token === undefined ? undefined : tokens.get(token);
    return found !== undefined && !found.isRevoked && found.expiresAt > Date.now() ? found : undefined;
  };
  const logIn = (text: string, response: ServerResponse): void => {
    counts.issued += 1;
    let auth: any;
    try {
      ({ auth } = JSON.parse(text));
    } catch {
      return fail(response, 400, 'Bad Request', 'Expecting to find valid JSON');
    }
    const user = auth?.identity?.password?.user;
    const project = auth?.scope?.project;
    if (!auth?.identity?.methods?.includes('password') || user === undefined)
      return fail(response, 400, 'Bad Request', 'auth.identity is required');
    const isRight =
      user.name === SERVICE_USER.userName && user.password === SERVICE_USER.password && user.domain?.name === SERVICE_USER.domainName;
    const isOurs = project?.name === SERVICE_USER.tenantName && project?.domain?.name === SERVICE_USER.domainName;
    if (!isRight || !isOurs) return fail(response, 401, 'Unauthorized', 'The request you have made requires authentication.');
    const token = issueToken(
      { project: { id: 'p-service', name: 'service', domain: { id: 'default', name: 'Default' } } },
      ['service'],
      serviceLife,
      serviceSkew,
    );
    serviceTokens.push(token);
    return send(response, 201, { token: tokens.get(token)?.body }, { 'X-Subject-Token': token });
  };
  const validate = (request: IncomingMessage, response: ServerResponse, url: URL): void => {
    counts.validated += 1;
    const bearer = find(one(request.headers['x-auth-token']));
    if (bearer === undefined) return fail(response, 401, 'Unauthorized', 'The request you have made requires authentication.');
    if (!bearer.roles.some((role) => role === 'service' || role === 'admin')) {
      return fail(response, 403, 'Forbidden', 'You are not authorized to perform the requested action: identity:validate_token.');
    }
    const subject = one(request.headers['x-subject-token']) ?? '';
    const stored = tokens.get(subject);
    if (stored === undefined) return fail(response, 404, 'Not Found', 'This is not a recognized Fernet token');
    if (stored.isRevoked) return fail(response, 404, 'Not Found', 'The token has been revoked');
    if (stored.expiresAt <= Date.now()) return fail(response, 404, 'Not Found', 'Could not find token: it has expired');
    const { catalog, ...rest } = stored.body;
    const body = { token: url.searchParams.has('nocatalog') ? rest : { ...rest, catalog } };
    if (request.method === 'DELETE') stored.isRevoked = true;
    return request.method === 'DELETE' ? send(response, 204, undefined) : send(response, 200, body, { 'X-Subject-Token': subject });
  };
  const list = (request: IncomingMessage, response: ServerResponse, body: unknown): void => {
    counts.listed += 1;
    if (listFault !== undefined) return misbehave(listFault, request, response);
    const bearer = find(one(request.headers['x-auth-token']));
    if (bearer === undefined) return fail(response, 401, 'Unauthorized', 'The request you have made requires authentication.');
    if (!bearer.roles.some((role) => role === 'service' || role === 'admin')) {
      return fail(response, 403, 'Forbidden', 'You are not authorized to perform the requested action: identity:list_projects.');
    }
    return send(response, 200, body);
  };
  const answer = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    if (fault !== undefined) return misbehave(fault, request, response);
    const url = new URL(request.url ?? '/', 'http://keystone');
    const collection = request.method === 'GET' ? collections.answer(url) : undefined;
    if (collection !== undefined) return list(request, response, collection);
    if (url.pathname !== '/v3/auth/tokens') return fail(response, 404, 'Not Found', 'Not Found');
    if (request.method === 'POST') return logIn(text, response);
    if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'DELETE') return validate(request, response, url);
    return fail(response, 405, 'Method Not Allowed', 'Method Not Allowed');
  };
  const server = createServer((request, response) => {
    active += 1;
    peak = Math.max(peak, active);
    response.once('close', () => (active -= 1));
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      if (delay > 0) setTimeout(answer, delay, request, response, text);
      else answer(request, response, text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`,
    counts,
    collections,
    peak: () => peak,
    issueToken,
    setServiceLife(ms, skewMs = 0) {
      serviceLife = ms;
      serviceSkew = skewMs;
    },
    revoke: (token) => {
      const stored = tokens.get(token);
      if (stored !== undefined) stored.isRevoked = true;
    },
    revokeService: () => {
      for (const token of serviceTokens) tokens.delete(token);
    },
    breakWith: (wanted) => void (fault = wanted),
    breakLists: (wanted) => void (listFault = wanted),
    setDelay: (ms) => void (delay = ms),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function misbehave(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  if (fault === 'hang-up') request.socket.destroy();
  else if (fault === 'garbage') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
  else if (fault === 'flood') response.writeHead(200).end(Buffer.alloc(4_000_000, 'x'));
  else if (fault !== 'silence') fail(response, fault, 'Fault', 'as told');
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response
    .writeHead(status, { vary: 'X-Auth-Token', 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
    .end(text);
}

function fail(response: ServerResponse, code: number, title: string, message: string): void {
  send(
    response,
    code,
    { error: { code, title, message } },
    code === 401 ? { 'WWW-Authenticate': 'Keystone uri="http://keystone/v3"' } : {},
  );
}
