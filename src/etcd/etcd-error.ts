import { type ErrorCode, SekishoError } from '../lib/errors.ts';

/** What etcd says when it refuses: gRPC's number and etcd's text. */
export interface Refusal {
  readonly grpcCode: number;
  readonly message: string;
}

/** What a refusal means: its error code, whether another try can help, and whether a write was surely not carried out. */
export interface Verdict {
  readonly code: ErrorCode;
  readonly isNotDone: boolean;
  /** `token`: after a new login. `endpoint`: elsewhere, or here a little later. */
  readonly retry?: 'token' | 'endpoint';
}

const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
/** gRPC's cancelled, unknown, deadline exceeded, aborted, internal, unavailable: etcd may or may not have carried out what was asked. */
const VAGUE: ReadonlySet<number> = new Set([1, 2, 4, 10, 13, UNAVAILABLE]);

/** etcd's own texts (api/v3rpc/rpctypes/error.go); its gRPC numbers alone are too coarse: 8 is a full disk as well as too many requests. */
const VERDICTS: readonly (readonly [text: string, verdict: Verdict])[] = [
  ['invalid auth token', { code: 'ETCD_DENIED', isNotDone: true, retry: 'token' }],
  ['revision of auth store is old', { code: 'ETCD_DENIED', isNotDone: true, retry: 'token' }],
  ['user name is empty', { code: 'ETCD_DENIED', isNotDone: true, retry: 'token' }],
  ['authentication failed', { code: 'ETCD_DENIED', isNotDone: true }],
  ['permission denied', { code: 'ETCD_DENIED', isNotDone: true }],
  ['database space exceeded', { code: 'ETCD_NO_SPACE', isNotDone: true }],
  ['request is too large', { code: 'ETCD_TOO_LARGE', isNotDone: true }],
  ['too many operations', { code: 'ETCD_TOO_LARGE', isNotDone: true }],
  ['larger than max', { code: 'ETCD_TOO_LARGE', isNotDone: true }],
  ['has been compacted', { code: 'ETCD_COMPACTED', isNotDone: true }],
  ['requested lease not found', { code: 'ETCD_LEASE_LOST', isNotDone: true }],
  ['too many requests', { code: 'ETCD_UNAVAILABLE', isNotDone: true, retry: 'endpoint' }],
  // Said before anything is proposed; a leader lost afterwards shows as a timeout.
  ['etcdserver: no leader', { code: 'ETCD_UNAVAILABLE', isNotDone: true, retry: 'endpoint' }],
  ['not supported for learner', { code: 'ETCD_UNAVAILABLE', isNotDone: true, retry: 'endpoint' }],
];

/** Judges a refusal. */
export function judge(refusal: Refusal): Verdict {
  const known = VERDICTS.find(([text]) => refusal.message.includes(text));
  if (known !== undefined) return known[1];
  if (refusal.grpcCode === UNAUTHENTICATED) return { code: 'ETCD_DENIED', isNotDone: true, retry: 'token' };
  if (refusal.grpcCode === PERMISSION_DENIED) return { code: 'ETCD_DENIED', isNotDone: true };
  if (VAGUE.has(refusal.grpcCode)) return { code: 'ETCD_UNAVAILABLE', isNotDone: false, retry: 'endpoint' };
  return { code: 'ETCD_FAILED', isNotDone: true };
}

const MAKE_SPACE = '; compact and defragment it, disarm the alarm NOSPACE, and raise --quota-backend-bytes if need be';

/** The error of a refusal, with etcd's own words. */
export function toError(refusal: Refusal, path: string): SekishoError {
  const { code } = judge(refusal);
  return new SekishoError(code, `etcd refuses ${path}: ${refusal.message}${code === 'ETCD_NO_SPACE' ? MAKE_SPACE : ''}`);
}

/** True when `error` has the code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof SekishoError && error.code === code;
}

/** Reads the body of an answer that is not 200, or the `error` of a stream: grpc-gateway 1 and 2 name the fields differently. */
export function parseRefusal(body: unknown, status: number): Refusal {
  const { message, error, code, grpc_code: grpcCode } = isRecord(body) ? body : {};
  const text = [message, error].find((value) => typeof value === 'string');
  const number = [code, grpcCode].find((value) => typeof value === 'number');
  return { grpcCode: number ?? (status >= 500 ? UNAVAILABLE : 2), message: text ?? `status ${status} without a reason` };
}

/** Whether a parsed JSON value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
