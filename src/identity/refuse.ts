import { type IdentityReason, REASONS } from './reasons.ts';
import type { Identification } from './types.ts';

/** The answer of a provider that knows credentials of this kind, but not to be right. */
export function refuse(reason: IdentityReason, detail: string = REASONS[reason]): Identification {
  return { ok: false, reason, detail };
}
