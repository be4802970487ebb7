import type { Settings } from '../config/settings.ts';
import type { ExchangeHandler } from '../http/exchange.ts';
import type { FrontLimits } from '../http/front-state.ts';
import { createFrontend, type Frontend } from '../http/frontend.ts';
import type { ListenOptions } from '../http/listener.ts';
import type { SocketHandle } from '../http/listening-socket.ts';
import { SekishoError } from '../lib/errors.ts';
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

/** Sockets that are bound already, by the name of their listener. */
export type BoundSockets = ReadonlyMap<string, readonly SocketHandle[]>;

/** The frontend of the traffic, on sockets that it is given. */
export interface ProxyFront {
  /** Listens on `socket` as the listener of that name; on several for one name, too. */
  listen(name: string, socket: SocketHandle): Promise<void>;
  connections(): number;
  /** See `Frontend.drain`. */
  drain(graceMs: number, idleMs: number): Promise<void>;
}

/** `certificates` is asked at every TLS handshake, so that changes count at once. */
export function createProxyFront({ proxy }: Settings, onExchange: ExchangeHandler, certificates: CertificateLookup): ProxyFront {
  const frontend = createFrontend({ limits: proxy.limits, onExchange, onReject: observeRejection });
  const listeners = proxyListeners(proxy, certificates);
  return {
    async listen(name, socket) {
      const options = listeners.find((each) => each.name === name);
      if (options === undefined) throw new SekishoError('WORKER_FAILED', `there is no listener ${name}`);
      await frontend.listen({ ...options, socket });
    },
    connections: () => frontend.connections,
    drain: (graceMs, idleMs) => frontend.drain(graceMs, idleMs),
  };
}

/** The listeners of the traffic, as the configuration has them. */
export function proxyListeners(
  { host, port, enableHttp2, enableH2c, tls }: Settings['proxy'],
  certificates: CertificateLookup,
): readonly ListenOptions[] {
  return [
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
  ];
}

/** Listens for admin calls; they have the proxy's limits, but for fewer connections. */
export async function listenAdmin(
  { proxy }: Settings,
  admin: NonNullable<Settings['admin']>,
  onExchange: ExchangeHandler,
  sockets?: BoundSockets,
): Promise<Listening> {
  const limits: FrontLimits = { ...proxy.limits, maxConnections: ADMIN_MAX_CONNECTIONS, maxInFlight: ADMIN_MAX_CONNECTIONS };
  return await listenAll(createFrontend({ limits, onExchange }), adminListeners(admin), sockets);
}

/** The listeners of admin calls, as the configuration has them. */
export function adminListeners({ host, port, tls }: NonNullable<Settings['admin']>): readonly ListenOptions[] {
  return [
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
  ];
}

async function listenAll(frontend: Frontend, options: readonly ListenOptions[], sockets?: BoundSockets): Promise<Listening> {
  const listeners: { name: string; address: string }[] = [];
  try {
    for (const each of options) {
      const [socket] = sockets?.get(each.name) ?? [];
      const { port } = await frontend.listen(socket === undefined ? each : { ...each, socket });
      listeners.push(tellListening(each, port));
    }
  } catch (error) {
    frontend.close();
    throw error;
  }
  return { listeners, drain: (graceMs) => frontend.drain(graceMs) };
}

/** Tells of a listener that is open; gives its name and URL. */
export function tellListening(options: ListenOptions, port: number): Listening['listeners'][number] {
  const { name, address } = toAddress(options, port);
  observe({ type: 'server.listening', listener: name, address });
  return { name, address };
}

export function toAddress({ name, host, tls }: ListenOptions, port: number): Listening['listeners'][number] {
  return { name, address: `${tls === undefined ? 'http' : 'https'}://${host === '' ? '0.0.0.0' : host}:${port}` };
}
