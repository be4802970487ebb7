import type { Exchange } from '../http/exchange.ts';
import { answerFakeKeystone } from '../identity/fake-keystone.ts';
import { SekishoError } from '../lib/errors.ts';
import { credentialsOf } from './authenticate.ts';
import { readBody } from './body.ts';
import type { Answer } from './types.ts';

const LOGIN_BYTES = 65_536;

/** Whether the path may be one of the fake Keystone's, which development logs in with. */
export function isFakeLogin(path: string): boolean {
  return path.startsWith('/v2.0/to') || path === '/v2.0/tenants';
}

/** The answer of the fake Keystone. Throws RESOURCE_NOT_FOUND for what it does not have. */
export async function answerFakeLogin(exchange: Exchange): Promise<Answer> {
  const body = exchange.method === 'POST' ? (await readBody(exchange, LOGIN_BYTES)).value : undefined;
  const found = answerFakeKeystone(exchange.method, exchange.path, body, credentialsOf(exchange).token);
  if (found === undefined) throw new SekishoError('RESOURCE_NOT_FOUND', 'The fake Keystone has no such path.');
  const headers = found.status === 401 ? ['WWW-Authenticate', 'Bearer realm="sekisho"'] : [];
  return { status: found.status, headers, body: JSON.stringify(found.body) };
}
