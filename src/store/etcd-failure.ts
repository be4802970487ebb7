import { type ErrorCode, SekishoError } from '../lib/errors.ts';

/** True when nobody knows whether a write was carried out. */
export function isUnknownOutcome(error: unknown): boolean {
  return !(error instanceof SekishoError) || error.code === 'ETCD_UNKNOWN_OUTCOME';
}

/** True when another try may help. */
export function isPassing(error: unknown): boolean {
  return isUnknownOutcome(error) || hasCode(error, 'ETCD_UNAVAILABLE');
}

/** A failed call of etcd as the store tells it: what was not done, why, and what helps. */
export function toStoreError(error: unknown, what: string, done: 'stored' | 'read' = 'stored'): SekishoError {
  if (error instanceof SekishoError && !error.code.startsWith('ETCD_')) return error;
  if (isUnknownOutcome(error) && done === 'stored')
    return fail(`${what} was sent to etcd, but whether it was stored is not known: read what is there before you try again`, error);
  if (hasCode(error, 'ETCD_NO_SPACE'))
    return fail(
      `${what} was not stored: the database of etcd is full; compact and defragment it, disarm its alarm, and raise its quota`,
      error,
    );
  if (hasCode(error, 'ETCD_DENIED'))
    return fail(
      `${what} was not ${done}: etcd refuses; storage.username has to be allowed to read and write everything beneath storage.prefix`,
      error,
    );
  if (hasCode(error, 'ETCD_TOO_LARGE'))
    return new SekishoError('STORE_TOO_LARGE', `${what} is larger than etcd takes: ${tell(error)}`, { cause: error });
  return fail(`${what} was not ${done}: ${tell(error)}`, error);
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof SekishoError && error.code === code;
}

function tell(error: unknown): string {
  return error instanceof Error ? error.message : 'etcd failed';
}

function fail(detail: string, cause: unknown): SekishoError {
  return new SekishoError('STORE_FAILED', detail, { cause });
}
