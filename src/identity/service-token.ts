import { type KeystoneClient, unavailable } from './keystone-client.ts';

export interface ServiceUser {
  readonly userName: string;
  readonly password: string;
  readonly domainName: string;
  readonly tenantName: string;
}

/** The token with which the gateway itself asks Keystone. */
export interface ServiceToken {
  /** The present token; a new one when it ends soon or is `rejected`. One request at a time gets it for all. */
  get(rejected?: string): Promise<string>;
}

interface Issued {
  readonly token: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** A token is renewed when less than this, or a tenth of its life, is left. */
const MAX_MARGIN_MS = 60_000;
/** After a failure nobody asks for a new token for so long. */
const FAILURE_PAUSE_MS = 1000;

export function createServiceToken(client: KeystoneClient, user: ServiceUser): ServiceToken {
  let issued: Issued | undefined;
  let pending: Promise<string> | undefined;
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  const renew = async (): Promise<string> => {
    try {
      issued = await issue(client, user);
      failure = undefined;
      return issued.token;
    } catch (error) {
      failure = { error, at: Date.now() };
      // What still lives is used to its end.
      if (issued !== undefined && issued.expiresAt > Date.now()) return issued.token;
      throw error;
    }
  };
  return {
    async get(rejected) {
      if (rejected !== undefined && issued?.token === rejected) issued = undefined;
      const now = Date.now();
      if (issued !== undefined && now < issued.renewAt) return issued.token;
      if (pending !== undefined) return pending;
      if (failure !== undefined && now < failure.at + FAILURE_PAUSE_MS) {
        if (issued !== undefined && now < issued.expiresAt) return issued.token;
        throw failure.error;
      }
      pending = renew().finally(() => (pending = undefined));
      return pending;
    },
  };
}

async function issue(client: KeystoneClient, { userName, password, domainName, tenantName }: ServiceUser): Promise<Issued> {
  const domain = { name: domainName };
  const answer = await client.issue({
    identity: { methods: ['password'], password: { user: { name: userName, password, domain } } },
    scope: { project: { name: tenantName, domain } },
  });
  if (answer.status !== 201 || answer.subjectToken === null) {
    throw unavailable(`Keystone gives the service user ${userName} no token: it answers ${answer.status}`);
  }
  const { expires_at: expires, issued_at: began } = (answer.body as { token?: Readonly<Record<string, unknown>> } | undefined)?.token ?? {};
  const now = Date.now();
  // By Keystone's own clock, which need not agree with ours.
  const lifeMs = toTime(expires) - (toTime(began) || now);
  const expiresAt = now + (lifeMs > 0 ? lifeMs : MAX_MARGIN_MS);
  return { token: answer.subjectToken, expiresAt, renewAt: expiresAt - Math.min(MAX_MARGIN_MS, (expiresAt - now) / 10) };
}

function toTime(text: unknown): number {
  return typeof text === 'string' ? Date.parse(text) : Number.NaN;
}
