import type { Settings } from '../config/settings.ts';
import type { ExchangeHandler } from '../http/exchange.ts';
import type { FrontLimits } from '../http/front-state.ts';
import { createFrontend, type Frontend } from '../http/frontend.ts';
import type { ListenOptions } from '../http/listener.ts';
import { observe } from '../lib/event.ts';
import type { CertificateLookup } from '../proxy/certificates.ts';
import { observeRejection } from './observe-rejection.ts';
import { readCertificate } from './options.ts';

/** Requests of the admin API that may be under way: it is for people and tools, not for traffic. */
const ADMIN_MAX_CONNECTIONS = 1000;

/** A frontend with the addresses that it listens on. */
export interface Listening {
  readonly listeners: readonly { readonly name: string; readonly address: string }[];
  drain(graceMs: number): Promise<void>;
}

/** Listens for the traffic. `certificates` is asked at every TLS handshake, so that changes count at once. */
export async function listenProxy({ proxy }: Settings, onExchange: ExchangeHandler, certificates: CertificateLookup): Promise<Listening> {
  const { host, port, enableHttp2, enableH2c, tls } = proxy;
  const frontend = createFrontend({ limits: proxy.limits, onExchange, onReject: observeRejection });
  return await listenAll(frontend, [
    { name: 'proxy', host, port, setting: 'proxy.port', http2: enableHttp2, h2c: enableH2c },
    ...(tls === undefined
      ? []
      : [
          {
            name: 'proxy-tls',
            host,
            port: tls.port,
            setting: 'proxy.tls.port',
            tls: { contextFor: certificates, fallback: readCertificate(tls) },
            http2: true,
            h2c: false,
          },
        ]),
  ]);
}

/** Listens for admin calls; they have the proxy's limits, but for fewer connections. */
export async function listenAdmin(
  { proxy }: Settings,
  admin: NonNullable<Settings['admin']>,
  onExchange: ExchangeHandler,
): Promise<Listening> {
  const limits: FrontLimits = { ...proxy.limits, maxConnections: ADMIN_MAX_CONNECTIONS, maxInFlight: ADMIN_MAX_CONNECTIONS };
  const { host, port, tls } = admin;
  return await listenAll(createFrontend({ limits, onExchange }), [
    { name: 'admin', host, port, setting: 'admin.port', http2: false, h2c: false },
    ...(tls === undefined
      ? []
      : [
          {
            name: 'admin-tls',
            host,
            port: tls.port,
            setting: 'admin.tls.port',
            tls: { contextFor: () => undefined, fallback: readCertificate(tls) },
            http2: true,
            h2c: false,
          },
        ]),
  ]);
}

async function listenAll(frontend: Frontend, options: readonly ListenOptions[]): Promise<Listening> {
  const listeners: { name: string; address: string }[] = [];
  try {
    for (const each of options) {
      const { port } = await frontend.listen(each);
      const address = `${each.tls === undefined ? 'http' : 'https'}://${each.host === '' ? '0.0.0.0' : each.host}:${port}`;
      listeners.push({ name: each.name, address });
      observe({ type: 'server.listening', listener: each.name, address });
    }
  } catch (error) {
    frontend.close();
    throw error;
  }
  return { listeners, drain: (graceMs) => frontend.drain(graceMs) };
}
