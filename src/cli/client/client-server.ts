import { type AdminAnswer, type AdminRequest, callAdmin, parseAdminUrl } from '../admin-call.ts';
import type { CliIo } from '../io.ts';
import { clientVariable } from './client-env.ts';
import { findEndpoint, type KeystoneToken, loginAtKeystone } from './keystone-login.ts';

/** The REST API of a gateway, as the environment names it. */
export interface ClientServer {
  /** Who is asked and who asks: equal texts get equal schemas. */
  readonly key: string;
  /** Sends one request; logs in first when there is no token yet. Rejects with a `Failure` that repeats what the server said. */
  call(request: AdminRequest): Promise<AdminAnswer>;
}

const BODIES = 2;
const TOKENS = 3;

/** Nothing is sent until the first call. `verbosity` decides what of the calls is printed to stderr. */
export function connectClient(io: CliIo, verbosity: number): ClientServer {
  const { env } = io;
  const note = (level: number, line: string): void => {
    if (verbosity >= level) io.err(`${line}\n`);
  };
  let login: Promise<KeystoneToken> | undefined;
  const logIn = (): Promise<KeystoneToken> => (login ??= loginAtKeystone(env));
  const serviceName = clientVariable(env, 'serviceName');

  const findUrl = async (): Promise<URL> => {
    const isNamed = serviceName !== undefined && !env['SEKISHO_ENDPOINT_URL'] && !env['GOHAN_ENDPOINT_URL'];
    const text = isNamed ? findEndpoint(await logIn(), serviceName, clientVariable(env, 'region')) : clientVariable(env, 'endpoint');
    return parseAdminUrl(text, 'SEKISHO_ENDPOINT_URL');
  };
  // Without a token and without Keystone the caller is nobody, who may read what a policy says.
  const findToken = async (): Promise<string | undefined> =>
    clientVariable(env, 'token') ?? (clientVariable(env, 'authUrl') === undefined ? undefined : (await logIn()).token);

  return {
    key: [
      ...([
        'endpoint',
        'serviceName',
        'region',
        'schemaUrl',
        'token',
        'authUrl',
        'userName',
        'tenantName',
        'tenantId',
        'domainId',
      ] as const),
    ]
      .map((name) => clientVariable(env, name) ?? '')
      .join('\n'),
    async call(request) {
      const token = await findToken();
      const url = await findUrl();
      const credentials: Readonly<Record<string, string>> = token === undefined ? {} : { 'x-auth-token': token };
      const answer = await callAdmin({ url, name: 'the REST API', credentials, follow: false, onCall: (line) => note(1, line) }, request);
      if (token !== undefined) note(TOKENS, `X-Auth-Token: ${token}`);
      if (request.body !== undefined) note(BODIES, `request: ${JSON.stringify(request.body)}`);
      note(BODIES, `answer: ${typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)}`);
      return answer;
    },
  };
}
