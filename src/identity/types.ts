import type { Identity } from '../lib/identity.ts';

/** The credentials of a request, taken from its headers. */
export interface Credentials {
  /** `X-Auth-Token`, or the cookie `Auth-Token`. */
  readonly token: string | undefined;
  /** `Authorization: Bearer …`. */
  readonly bearer: string | undefined;
  /** `X-API-Key`. */
  readonly apiKey: string | undefined;
}

export type Identification =
  | {
      readonly ok: true;
      readonly identity: Identity /** Milliseconds since the epoch until which this may be remembered. */;
      readonly validUntil: number;
    }
  /** `reason` is a stable word (`expired`, `unknown_key`, `wrong_algorithm` …); `detail` is for people. */
  | { readonly ok: false; readonly reason: string; readonly detail: string };

/** One way of proving who one is. `undefined`: these credentials are none of this provider's. Rejects only when the provider itself is not available. */
export interface IdentityProvider {
  readonly name: string;
  identify(credentials: Credentials): Promise<Identification | undefined>;
  close(): void;
}
