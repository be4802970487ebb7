import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { Failure } from './failure.ts';

/** Not the fault of what the user wrote. */
const OWN_FAULT: readonly ErrorCode[] = ['INTERNAL', 'STORE_FAILED', 'STORE_CORRUPT'];

/** Nobody's fault here: what the gateway is built on is not there. */
const ABSENT: readonly ErrorCode[] = ['DATABASE_LOST'];

/** What `start` and `validate` print of an error, one block per problem: `file:line:column key: found …, allowed …`. Unknown errors come back as they are. */
export function toStartFailure(error: unknown): unknown {
  if (!(error instanceof SekishoError)) return error;
  const isOwnFault = OWN_FAULT.includes(error.code);
  // What the message tells already is not said again.
  const others = error.errors.filter(({ detail }) => !error.message.includes(detail));
  const lines = others.map(({ pointer, detail }) => (detail.startsWith(pointer) ? detail : `${pointer}: ${detail}`));
  const cause = isOwnFault && error.cause instanceof Error ? [`caused by: ${error.cause.stack ?? error.cause.message}`] : [];
  return new Failure(
    isOwnFault || ABSENT.includes(error.code) ? 1 : 2,
    [`sekisho: ${error.message} (${error.code})`, ...lines, ...cause].join('\n'),
  );
}
