import { isIP } from 'node:net';
import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import { headerValue } from './fields.ts';

export interface OriginGuardOptions {
  readonly listenHost: string;
  readonly allowedHosts: readonly string[];
  /** No credentials are asked: then the Host alone keeps rebound names of foreign sites out. */
  readonly open: boolean;
}

/** What a form of a foreign page can send without asking first. */
const FORM_TYPES = /^(?:text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

/**
 * Makes the guard against browsers that are led here by foreign pages; it throws `ADMIN_FORBIDDEN_ORIGIN`.
 * DNS rebinding: a foreign name that resolves to this address has a foreign Host; an IP literal can't be rebound, so those pass.
 * Cross-site requests: browsers tell by Origin and Sec-Fetch-Site where the page came from.
 */
export function createOriginGuard(options: OriginGuardOptions): (exchange: Exchange) => void {
  const names = new Set([options.listenHost, ...options.allowedHosts].map((name) => name.toLowerCase()));
  const checkHost = options.open || options.allowedHosts.length > 0;
  return (exchange) => {
    if (checkHost && !isOwnHost(exchange.host, names)) {
      throw new SekishoError(
        'ADMIN_FORBIDDEN_ORIGIN',
        `The admin API is not served under the host name "${exchange.host}". Use its IP address or localhost, or add the name to admin.allowed_hosts.`,
      );
    }
    const site = headerValue(exchange.headers, 'sec-fetch-site');
    if (site === 'cross-site') throw new SekishoError('ADMIN_FORBIDDEN_ORIGIN', 'A page of another site may not call the admin API.');
    const origin = headerValue(exchange.headers, 'origin');
    if (origin === undefined) return;
    if (!isSameOrigin(origin, exchange.authority)) {
      throw new SekishoError(
        'ADMIN_FORBIDDEN_ORIGIN',
        `A page of ${printable(origin)} may not call the admin API at ${exchange.authority}.`,
      );
    }
    const type = headerValue(exchange.headers, 'content-type');
    if (type !== undefined && FORM_TYPES.test(type.trim())) {
      throw new SekishoError('ADMIN_FORBIDDEN_ORIGIN', `A page may send JSON only, not ${printable(type)}.`);
    }
  };
}

function isOwnHost(host: string, names: ReadonlySet<string>): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return isIP(bare) !== 0 || host === 'localhost' || host.endsWith('.localhost') || names.has(host);
}

/** Host and port are compared; the scheme is not, because TLS may end before this listener. `null` is the origin of sandboxed pages: foreign. */
function isSameOrigin(origin: string, authority: string): boolean {
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  const defaultPort = url.protocol === 'https:' ? ':443' : ':80';
  const own = authority.toLowerCase();
  return url.host === (own.endsWith(defaultPort) ? own.slice(0, -defaultPort.length) : own);
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
