import { createHash } from 'node:crypto';
import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { Session } from '../sql/types.ts';
import { fieldValue } from './fields.ts';
import type { Answer, Call } from './types.ts';

/** An Idempotency-Key of one caller, with what identifies the request that it came with. */
export interface IdempotencyKey {
  readonly key: string;
  readonly fingerprint: string;
}

const MAX_LENGTH = 255;

/** The key of a request, if it has one. Keys of different callers never meet, nor those of one who has other rights now: the answer tells what it told then. */
export function idempotencyKey({ exchange, identity }: Pick<Call, 'exchange' | 'identity'>, bodyText: string): IdempotencyKey | undefined {
  const value = fieldValue(exchange.headers, 'idempotency-key');
  if (value === undefined) return undefined;
  if (value === '' || value.length > MAX_LENGTH) {
    throw new SekishoError('QUERY_INVALID', `Idempotency-Key: found ${value.length} characters, expected 1 to ${MAX_LENGTH}.`);
  }
  const fingerprint = digest([exchange.method, exchange.target, bodyText]);
  return { key: digest([...callerParts(exchange, identity, fingerprint), value]), fingerprint };
}

/** Whoever is not identified is told apart by the address, and may repeat the same request only: nobody learns the answer to another one's. */
function callerParts({ remoteAddress }: Exchange, identity: Identity, fingerprint: string): readonly string[] {
  const { principal, tenantId, domainId, scope, roles } = identity;
  if (roles.every((role) => role === 'Nobody')) return ['anonymous', remoteAddress, fingerprint];
  return ['identified', principal, tenantId, domainId, scope, JSON.stringify(roles.toSorted())];
}

/** The answer that was given for the key before. Throws IDEMPOTENCY_MISMATCH when it came with another request. */
export async function recall(session: Session, { key, fingerprint }: IdempotencyKey): Promise<Answer | undefined> {
  const stored = await session.recallAnswer(key);
  if (stored === undefined) return undefined;
  if (stored.fingerprint !== fingerprint) {
    throw new SekishoError('IDEMPOTENCY_MISMATCH', 'The same Idempotency-Key came with another request before.');
  }
  const { headers, body } = JSON.parse(stored.body) as { readonly headers: readonly string[]; readonly body?: string };
  return { status: stored.status, headers: [...headers, 'Idempotency-Replayed', 'true'], ...(body !== undefined && { body }) };
}

/** Stores the answer in the transaction of the write: both are there, or neither. */
export async function remember(session: Session, { key, fingerprint }: IdempotencyKey, { status, headers, body }: Answer): Promise<void> {
  await session.rememberAnswer(key, { fingerprint, status, body: JSON.stringify({ headers, body }) });
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
