import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import { clientAddress, compileAllowList } from './allow-list.ts';
import { createAuthenticator } from './auth.ts';
import { createOriginGuard } from './origin-guard.ts';
import { Refusal } from './refusal.ts';
import type { AdminOptions } from './types.ts';

type GatekeeperOptions = Pick<AdminOptions, 'auth' | 'allowList' | 'forwardedForDepth' | 'allowedHosts' | 'listenHost' | 'debug'>;

/**
 * Prepares the checks that stand before every admin path, `/healthz` and `/metrics` included: address, then Host and Origin, then credentials.
 * The result gives the principal, or rejects with `ADMIN_UNAUTHORIZED` or `ADMIN_FORBIDDEN_ORIGIN`.
 */
export function createGatekeeper(options: GatekeeperOptions): (exchange: Exchange) => Promise<string> {
  const isAllowed = compileAllowList(options.allowList);
  const checkOrigin = createOriginGuard({
    listenHost: options.listenHost,
    allowedHosts: options.allowedHosts,
    open: options.auth.method === 'none',
  });
  const { identify, challenge } = createAuthenticator(options.auth);

  const checkAddress = (exchange: Exchange): void => {
    const address = clientAddress(exchange.remoteAddress, exchange.headers, options.forwardedForDepth);
    // No challenge: credentials would not help.
    if (!isAllowed(address))
      throw new SekishoError('ADMIN_UNAUTHORIZED', options.debug ? `Unauthorized IP Address: ${address}` : 'Unauthorized');
  };
  return async (exchange) => {
    if (options.allowList.length > 0) checkAddress(exchange);
    checkOrigin(exchange);
    const principal = await identify(exchange);
    if (principal !== undefined) return principal;
    throw new Refusal(
      new SekishoError('ADMIN_UNAUTHORIZED', 'Unauthorized'),
      challenge === undefined ? [] : ['WWW-Authenticate', challenge],
    );
  };
}
