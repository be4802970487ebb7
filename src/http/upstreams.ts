import type { LookupFunction } from 'node:net';
import type { Upstream, UpstreamOptions } from './upstream.ts';
import { createDialer, type DialOptions } from './upstream-dialer.ts';
import { createHttp2Upstream } from './upstream-h2.ts';
import { createUpstreamPool, type PoolOptions, toOrigin } from './upstream-pool.ts';

/** What all upstreams of a gateway have in common. Every setting has a finite default. */
export interface UpstreamsOptions {
  /** HTTP/1 connections per origin; default 256. */
  readonly maxConnections?: number;
  /** Requests per origin that may wait for a connection; default 1024. Beyond it they fail with `OVERLOADED`. */
  readonly maxWaiting?: number;
  /** Default 55 s. */
  readonly idleTimeoutMs?: number;
  /** Default 65,536. */
  readonly maxResponseHeaderBytes?: number;
  /** Fields per response; default 256. */
  readonly maxResponseHeaders?: number;
  /** Default true. */
  readonly keepAlive?: boolean;
  /** Delay of TCP keep-alive probes; default 30 s, 0 = none. */
  readonly tcpKeepAliveMs?: number;
  /** Default false. */
  readonly disablePrivateIps?: boolean;
  /** Default: the system's resolver. */
  readonly lookup?: LookupFunction;
  /** PEM certificates trusted instead of the built-in ones. */
  readonly ca?: readonly string[];
}

/** All upstreams of a gateway. */
export interface Upstreams {
  /** The upstream with these options; the same one for equal options as long as anybody uses it. */
  get(options: UpstreamOptions): Upstream;
  /** Closes idle connections now and the others when their answers are complete. */
  close(): void;
}

/**
 * A registry of upstreams. It does not keep them alive: one that is in no snapshot any more and whose connections have all ended (at the latest after the
 * idle timeout, since sockets and timers refer to it) is collected, so that nobody has to count references.
 */
export function createUpstreams(options: UpstreamsOptions = {}): Upstreams {
  const pool = {
    maxConnections: options.maxConnections ?? 256,
    maxWaiting: options.maxWaiting ?? 1024,
    idleTimeoutMs: options.idleTimeoutMs ?? 55_000,
    maxResponseHeaderBytes: options.maxResponseHeaderBytes ?? 65_536,
    maxResponseHeaders: options.maxResponseHeaders ?? 256,
    keepAlive: options.keepAlive ?? true,
  };
  const dial = {
    disablePrivateIps: options.disablePrivateIps ?? false,
    tcpKeepAliveMs: options.tcpKeepAliveMs ?? 30_000,
    ...(options.lookup && { lookup: options.lookup }),
    ...(options.ca && { ca: options.ca }),
  };
  const known = new Map<string, WeakRef<Upstream>>();
  const collected = new FinalizationRegistry<string>((key) => {
    if (known.get(key)?.deref() === undefined) known.delete(key);
  });

  return {
    get(origin) {
      const key = `${toOrigin(origin)} ${origin.http2} ${origin.tlsSkipVerify} ${origin.connectTimeoutMs}`;
      const alive = known.get(key)?.deref();
      if (alive !== undefined) return alive;
      const upstream = createUpstream(origin, dial, pool);
      known.set(key, new WeakRef(upstream));
      collected.register(upstream, key);
      return upstream;
    },
    close() {
      for (const reference of known.values()) reference.deref()?.close();
      known.clear();
    },
  };
}

function createUpstream(origin: UpstreamOptions, dial: DialOptions, pool: PoolOptions): Upstream {
  const dialer = createDialer(origin, dial);
  if (origin.scheme === 'h2c') return createHttp2Upstream(origin, dialer, pool, undefined);
  const http1 = createUpstreamPool(origin, dialer, pool);
  return origin.scheme === 'https' && origin.http2 ? createHttp2Upstream(origin, dialer, pool, http1) : http1;
}
