import type { Upstream, UpstreamOptions } from '../http/upstream.ts';
import type { ServiceDefaults } from './compiled-service.ts';
import type { TrustOptions } from './forwarding.ts';
import type { GateOptions } from './gate.ts';

export interface ProxyOptions extends GateOptions, TrustOptions {
  readonly upstreams: { get(options: UpstreamOptions): Upstream };
  readonly serviceDefaults: ServiceDefaults;
  /** Close the connection instead of answering 404 when no namespace serves the host. */
  readonly strictMode: boolean;
  readonly maxInFlight: number;
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
