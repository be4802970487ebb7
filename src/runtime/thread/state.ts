import type { Namespace, Route, Service } from '../../entity/types.ts';
import type { Context } from './ctx.ts';
import type { Run } from './phases.ts';
import type { RequestScope } from './requests.ts';

/** The entities that a request is about, as the gateway sent them once for all requests of the route. */
export interface RouteContext {
  readonly route: Route;
  readonly service: Service | undefined;
  readonly namespace: Namespace;
}

/** Reaches the gateway. `callSync` blocks the thread. */
export interface Host {
  call(name: string, invocation: number, args: readonly unknown[]): Promise<unknown>;
  callSync(name: string, invocation: number, args: readonly unknown[]): unknown;
}

/** What a request's phase learned of the upstream's answer. */
export interface UpstreamState {
  readonly status: number;
  readonly reason: string;
  readonly headers: string;
  readonly protocol: string;
  readonly contentLength: number;
  /** The body when the gateway had it read already. */
  readonly body: Uint8Array | undefined;
}

/** Everything of one request in the thread; not visible to module code, which sees `ctx`. */
export interface RequestState extends RequestScope {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly version: string;
  readonly headers: string;
  readonly remoteAddress: string;
  readonly isTls: boolean;
  readonly contentLength: number;
  readonly pathParams: readonly string[];
  readonly entities: RouteContext;
  readonly gateway: Host;
  readonly maxBodyBytes: number;
  /** The body as far as known: bytes, or how to get them (`BODY`). */
  body: Uint8Array | number;
  upstream: UpstreamState | undefined;
  ctx: Context | undefined;
  /** The phase that runs. */
  run: Run | undefined;
}
