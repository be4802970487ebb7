import type { Exchange } from '../http/exchange.ts';
import type { Upstream, UpstreamOptions } from '../http/upstream.ts';
import type { ServiceDefaults } from './compiled-service.ts';
import type { TrustOptions } from './forwarding.ts';
import type { GateOptions } from './gate.ts';
import type { RequestRecord } from './request-record.ts';

/** What serves the paths that no route has. */
export interface Fallback {
  /** True: it answers the request. */
  handle(exchange: Exchange, record: RequestRecord): boolean;
  /** What it would do with a request of the namespace; undefined when it does not have the path. */
  explain(namespace: string, method: string, path: string): FallbackVerdict | undefined;
}

export interface FallbackVerdict {
  readonly schema: string | undefined;
  readonly operation: string | undefined;
  readonly pattern: string;
  readonly params: Readonly<Record<string, string>>;
  /** In one line: what the client gets. */
  readonly outcome: string;
}

export interface ProxyOptions extends GateOptions, TrustOptions {
  readonly upstreams: { get(options: UpstreamOptions): Upstream };
  readonly serviceDefaults: ServiceDefaults;
  /** Close the connection instead of answering 404 when no namespace serves the host. */
  readonly strictMode: boolean;
  /** Asked when no route of the namespace has the path. */
  readonly fallback?: Fallback;
  /** Milliseconds without a byte of a request's or an answer's body; 0 = none. */
  readonly bodyIdleTimeoutMs: number;
  /** `proxy.global_headers` as flat fields, and the same followed by Via. */
  readonly globalFields: readonly string[];
  readonly globalAndViaFields: readonly string[];
  /** Answers explain themselves to everybody (`debug: true`). */
  readonly debug: boolean;
  /** Addresses and CIDRs that get explanations without `debug`. */
  readonly debugAllowList: readonly string[];
}
