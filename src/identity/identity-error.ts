import { SekishoError } from '../lib/errors.ts';
import { type IdentityReason, REASONS } from './reasons.ts';

/** A request whose caller is not known: IDENTITY_REQUIRED, with the reason as a word and the challenge that a 401 must carry (RFC 9110 section 11.6.1). */
export class IdentityError extends SekishoError {
  readonly reason: string;
  /** The value of WWW-Authenticate (RFC 6750 section 3). */
  readonly challenge: string;

  constructor(reason: IdentityReason | (string & {}), detail: string = REASONS[reason as IdentityReason]) {
    super('IDENTITY_REQUIRED', `${detail} (reason: ${reason})`);
    this.reason = reason;
    // Credentials that were not sent are no error (RFC 6750 section 3.1).
    this.challenge =
      reason === 'missing' ? 'Bearer realm="sekisho"' : `Bearer realm="sekisho", error="invalid_token", error_description="${reason}"`;
  }
}
