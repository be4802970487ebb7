import { type LookupAddress, Resolver, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

export interface DnsOptions {
  /** `address:port` of the DNS server. */
  readonly server: string;
  /** Limit of one question; two are tried. */
  readonly timeoutMs: number;
}

/** Looks host names up at one DNS server instead of asking the system. `localhost` and addresses never leave the machine. */
export function createDnsLookup({ server, timeoutMs }: DnsOptions): LookupFunction {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  resolver.setServers([server]);
  return (hostname, options, callback) => {
    if (hostname === 'localhost' || isIP(hostname) !== 0) {
      systemLookup(hostname, options, callback);
      return;
    }
    const family = options.family === 4 || options.family === 'IPv4' ? 4 : options.family === 6 || options.family === 'IPv6' ? 6 : 0;
    resolveAll(resolver, hostname, family).then(
      (addresses) => {
        const [first] = addresses as [LookupAddress, ...LookupAddress[]];
        if (options.all === true) callback(null, addresses as LookupAddress[]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

/** IPv4 addresses, then IPv6 ones; rejects with what the server said when there is none of either. */
async function resolveAll(resolver: Resolver, hostname: string, family: 0 | 4 | 6): Promise<readonly LookupAddress[]> {
  const ask = (kind: 4 | 6): Promise<LookupAddress[]> =>
    new Promise((resolve, reject) => {
      const done = (error: Error | null, addresses: string[]): void =>
        error === null ? resolve(addresses.map((address) => ({ address, family: kind }))) : reject(error);
      if (kind === 4) resolver.resolve4(hostname, done);
      else resolver.resolve6(hostname, done);
    });
  const answers = await Promise.allSettled(family === 0 ? [ask(4), ask(6)] : [ask(family)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  return found;
}
