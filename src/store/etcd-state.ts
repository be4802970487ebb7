import { SekishoError } from '../lib/errors.ts';
import { FIRST_HASH } from './change-record.ts';

/** Where the history of a store in etcd ends; the value of its state key. */
export interface EtcdPosition {
  readonly revision: number;
  readonly hash: string;
  /** Tells stores apart; empty before the first change. */
  readonly store: string;
  /** Fingerprint of the key that secrets are encrypted with. */
  readonly key: string;
  /** A change that is made, but whose entities are not all at their keys yet: its parts hold them. */
  readonly pending?: { readonly change: string; readonly parts: number };
  /** etcd's revision of the state key, which the next change compares; 0 before the first change. */
  readonly modRevision: number;
}

const FORMAT = 1;

/** The position of a store that holds nothing. */
export const EMPTY_POSITION: EtcdPosition = { revision: 0, hash: FIRST_HASH, store: '', key: '', modRevision: 0 };

/** The value of the state key. */
export function toStateValue({ revision, hash, store, key, pending }: EtcdPosition): string {
  return JSON.stringify({ format: FORMAT, revision, hash, store, key, pending });
}

/** The position in such a value. STORE_CORRUPT when it is none, STORE_FAILED when a newer version wrote it. */
export function parseStateValue(value: string, modRevision: number): EtcdPosition {
  const { format, revision, hash, store, key, pending } = parse(value);
  if (format !== FORMAT)
    throw new SekishoError('STORE_FAILED', `the state in etcd has format ${String(format)}, this version knows only ${FORMAT}: update it`);
  if (typeof revision !== 'number' || typeof hash !== 'string' || typeof store !== 'string' || typeof key !== 'string') throw damaged();
  return { revision, hash, store, key, modRevision, ...(isPending(pending) && { pending }) };
}

function parse(value: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // The same as any other text that is no state.
  }
  throw damaged();
}

function isPending(value: unknown): value is NonNullable<EtcdPosition['pending']> {
  return typeof value === 'object' && value !== null && 'change' in value && 'parts' in value;
}

function damaged(): SekishoError {
  return new SekishoError('STORE_CORRUPT', 'the state key in etcd is damaged, or was not written by a gateway');
}
