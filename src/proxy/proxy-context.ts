import type { Exchange } from '../http/exchange.ts';
import type { Upstream, UpstreamOptions } from '../http/upstream.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { ServiceDefaults } from './compiled-service.ts';
import type { DebugFields } from './debug-fields.ts';
import type { TrustDecision } from './forwarding.ts';
import type { HeadFlusher } from './head-flusher.ts';
import type { RequestRecord } from './request-record.ts';

/** What every request of a proxy shares; made once. */
export interface ProxyContext {
  readonly upstreams: { get(options: UpstreamOptions): Upstream };
  readonly trust: TrustDecision;
  readonly headFlusher: HeadFlusher;
  readonly serviceDefaults: ServiceDefaults;
  readonly bodyIdleTimeoutMs: number;
  readonly debug: DebugFields | undefined;
  /** The fields that go upstream but Host: the given ones without hop-by-hop and forwarding fields, then our own. */
  upstreamFields(exchange: Exchange, fields: readonly string[], route: CompiledRoute, record: RequestRecord): readonly string[];
}
