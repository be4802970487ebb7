import { createHash } from 'node:crypto';
import type { Authenticator } from './auth.ts';
import { headerValue } from './fields.ts';
import { createSecretSet } from './secret-set.ts';
import type { KeyAuthOptions } from './types.ts';

const DEFAULT_HEADER = 'X-DGate-Key';

/** Keys in a header or a query parameter. The principal shows a fingerprint of the key, so that history tells keys apart. */
export function createKeyAuth(options: KeyAuthOptions): Authenticator {
  const known = createSecretSet(options.keys);
  const names = options.keys.map((key) => `key:${createHash('sha256').update(key).digest('hex').slice(0, 8)}`);
  const { queryParamName } = options;
  const headerName = options.headerName ?? DEFAULT_HEADER;
  return {
    challenge: undefined,
    identify(exchange) {
      const given =
        queryParamName === undefined ? headerValue(exchange.headers, headerName) : new URLSearchParams(exchange.query).get(queryParamName);
      if (given === null || given === undefined || given === '') return undefined;
      return names[known.find(given)];
    },
  };
}
