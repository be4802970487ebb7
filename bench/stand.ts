import { type Gateway, type GatewayOptions, SEKISHO_BIN, startGateway } from '../test/support/gateway.ts';
import { SERVER_CORE } from './cores.ts';

/** What a scenario gets: how long to measure. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
}

/** Our gateway as one process on the server core, unless told otherwise. Its output is thrown away, as a log that nobody reads would be. */
export function startPinnedGateway(
  config: Readonly<Record<string, unknown>>,
  files: GatewayOptions['files'] = {},
  cores: string = SERVER_CORE,
  env: GatewayOptions['env'] = {},
): Promise<Gateway> {
  return startGateway({
    config: { workers: 0, access_log: false, ...config },
    files,
    env,
    command: ['sh', '-c', `exec taskset -c ${cores} "$0" "$@" > /dev/null`, SEKISHO_BIN],
    readyTimeoutMs: 120_000,
  });
}

/** A plain route `/plain` to a service at `upstreamUrl`, under `proxy.init_resources`. */
export function plainRoute(upstreamUrl: string): { services: unknown[]; routes: unknown[] } {
  return {
    services: [{ name: 'upstream', urls: [upstreamUrl] }],
    routes: [{ name: 'plain', paths: ['/plain'], methods: ['GET', 'POST'], service: 'upstream' }],
  };
}
