import type { Service } from '../entity/types.ts';
import type { UpstreamOptions } from '../http/upstream.ts';
import { toMs } from '../lib/duration.ts';

/** One URL of a service, taken apart once. */
export interface ServiceTarget {
  readonly url: string;
  readonly upstream: UpstreamOptions;
  /** What goes into Host when the client's is not preserved. */
  readonly authority: string;
  readonly basePath: string;
  readonly baseQuery: string;
}

export interface CompiledService {
  readonly service: Service;
  readonly targets: readonly ServiceTarget[];
  readonly attempts: number;
  readonly retryPauseMs: number;
  readonly headTimeoutMs: number;
  /** Index of the next target: round robin, shared by all routes of the service. */
  next: number;
}

export interface ServiceDefaults {
  readonly connectTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly forceHttp2: boolean;
}

/** Takes a valid service apart. Its URLs were checked when it was put. */
export function compileService(service: Service, defaults: ServiceDefaults): CompiledService {
  return {
    service,
    targets: service.urls.map((url) => parseServiceTarget(url, service, defaults)),
    attempts: service.retries + 1,
    retryPauseMs: toMs(service.retryTimeout),
    headTimeoutMs: toMs(service.requestTimeout) || defaults.responseHeaderTimeoutMs,
    next: 0,
  };
}

const SCHEMES: Readonly<Record<string, { readonly scheme: UpstreamOptions['scheme']; readonly port: number }>> = {
  'http:': { scheme: 'http', port: 80 },
  'ws:': { scheme: 'http', port: 80 },
  'https:': { scheme: 'https', port: 443 },
  'wss:': { scheme: 'https', port: 443 },
  'h2c:': { scheme: 'h2c', port: 80 },
};

/** Takes a service URL apart; throws a TypeError for what is no URL or has an unknown scheme (a module may have made it up). */
export function parseServiceTarget(url: string, service: Service, defaults: ServiceDefaults): ServiceTarget {
  const found = SCHEMES[url.slice(0, url.indexOf(':') + 1).toLowerCase()];
  if (found === undefined) throw new TypeError(`"${url}" has none of the schemes http, https, ws, wss, h2c`);
  // Parsed as http: for schemes that WHATWG does not know as special, URL would keep host and path as they are.
  const parsed = new URL(`http${url.slice(url.indexOf(':'))}`);
  if (parsed.hostname === '') throw new TypeError(`"${url}" has no host`);
  const explicitPort = /:(\d+)$/.exec(/^[^:]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? '')?.[1];
  const port = explicitPort === undefined ? found.port : Number(explicitPort);
  return {
    url,
    upstream: {
      scheme: found.scheme,
      hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      http2: service.http2Only || defaults.forceHttp2,
      tlsSkipVerify: service.tlsSkipVerify,
      connectTimeoutMs: toMs(service.connectTimeout) || defaults.connectTimeoutMs,
    },
    authority: explicitPort === undefined ? parsed.hostname : `${parsed.hostname}:${port}`,
    basePath: parsed.pathname === '/' && !/^[^:]+:\/\/[^/?#]*\//.test(url) ? '' : parsed.pathname,
    baseQuery: parsed.search.slice(1),
  };
}
