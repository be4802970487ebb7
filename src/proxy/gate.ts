import type { Exchange } from '../http/exchange.ts';
import { anyPattern } from './namespace-resolver.ts';

export interface GateOptions {
  /** Host patterns that are served at all; empty: every host. */
  readonly allowedDomains: readonly string[];
  /** Host patterns whose plain-HTTP requests are sent to https. */
  readonly redirectHttps: readonly string[];
  /** Port of the TLS listener, left out of redirects when it is 443. */
  readonly tlsPort: number;
}

/** The checks between namespace and route. */
export interface Gate {
  allows(host: string): boolean;
  /** The https URL to send the client to, or undefined when it may stay. */
  redirect(exchange: Exchange): string | undefined;
}

export function compileGate(options: GateOptions): Gate {
  const allowed = options.allowedDomains.length === 0 ? () => true : anyPattern(options.allowedDomains);
  const redirects = options.redirectHttps.length === 0 ? undefined : anyPattern(options.redirectHttps);
  const port = options.tlsPort === 443 ? '' : `:${options.tlsPort}`;
  return {
    allows: allowed,
    redirect(exchange) {
      if (redirects === undefined || exchange.isTls || !redirects(exchange.host)) return undefined;
      return `https://${exchange.host}${port}${exchange.target}`;
    },
  };
}
