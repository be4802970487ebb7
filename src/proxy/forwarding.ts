import { BlockList, isIPv6 } from 'node:net';
import type { Exchange, RawHeaders } from '../http/exchange.ts';
import { fieldValue } from '../http/header-rules.ts';

/** The one place that decides whether a peer may tell us about the client. */
export interface TrustDecision {
  /** Address of the client: the peer, or what a trusted peer says. */
  clientAddress(exchange: Exchange): string;
  /** Appends X-Forwarded-For, X-Real-IP, X-Forwarded-Host and X-Forwarded-Proto to `out`. */
  appendForwarded(exchange: Exchange, out: string[]): void;
}

export interface TrustOptions {
  /** Addresses and CIDRs of proxies whose forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly disableForwardedHeaders: boolean;
}

/**
 * Compiles the trust decision. Forwarding headers of untrusted peers were removed before (see `stripRequestHeaders`), so what is
 * appended here is all that the upstream sees; a trusted peer's chain is kept and lengthened.
 */
export function compileTrust(options: TrustOptions): TrustDecision {
  const isListed = compileAddressList(options.trustedProxies);
  const trustsNobody = options.trustedProxies.length === 0;
  const trusts = (exchange: Exchange): boolean => !trustsNobody && isListed(exchange.remoteAddress);
  const clientOf = (exchange: Exchange): string => {
    const chain = chainOf(exchange.headers);
    return chain.findLast((address) => !isListed(address)) ?? chain[0] ?? exchange.remoteAddress;
  };
  return {
    clientAddress: (exchange) => (trusts(exchange) ? clientOf(exchange) : exchange.remoteAddress),
    appendForwarded(exchange, out) {
      if (options.disableForwardedHeaders) return;
      const peer = exchange.remoteAddress;
      const proto = exchange.isTls ? 'https' : 'http';
      if (!trusts(exchange)) {
        out.push('X-Forwarded-For', peer, 'X-Real-IP', peer, 'X-Forwarded-Host', exchange.authority, 'X-Forwarded-Proto', proto);
        return;
      }
      out.push('X-Forwarded-For', [...chainOf(exchange.headers), peer].join(', '), 'X-Real-IP', clientOf(exchange));
      out.push('X-Forwarded-Host', fieldValue(exchange.headers, 'x-forwarded-host') ?? exchange.authority);
      out.push('X-Forwarded-Proto', fieldValue(exchange.headers, 'x-forwarded-proto') ?? proto);
    },
  };
}

/** A predicate over IP addresses from a list of addresses and CIDRs; an empty list contains nothing. */
export function compileAddressList(list: readonly string[]): (address: string) => boolean {
  const block = new BlockList();
  for (const entry of list) {
    const [address = '', bits] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) block.addAddress(address, family);
    else block.addSubnet(address, Number(bits), family);
  }
  return (address) => block.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Addresses of all X-Forwarded-For lines, client first. */
function chainOf(headers: RawHeaders): string[] {
  const chain: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== 'x-forwarded-for') continue;
    for (const part of (headers[i + 1] as string).split(',')) if (part.trim() !== '') chain.push(part.trim());
  }
  return chain;
}
