import { BlockList, connect, isIP, type LookupFunction, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { SekishoError } from '../lib/errors.ts';
import type { UpstreamOptions } from './upstream.ts';

/** How sockets to upstreams are opened: what all origins have in common. */
export interface DialOptions {
  /** Refuse peers with a loopback, private (RFC 1918, RFC 4193) or link-local address. */
  readonly disablePrivateIps: boolean;
  /** Delay of TCP keep-alive probes; 0 = none. */
  readonly tcpKeepAliveMs: number;
  /** Resolves host names; the system's resolver when absent. */
  readonly lookup?: LookupFunction;
  /** PEM certificates trusted instead of the built-in ones. */
  readonly ca?: readonly string[];
}

export interface SocketRequest {
  /** Protocols that TLS offers, in order of preference. */
  readonly alpn: readonly string[];
  /** Reads into a given buffer instead of a stream. Such a socket cannot be piped. */
  readonly onread?: OnReadOpts;
}

/** Opens sockets to one origin. */
export interface Dialer {
  /** The event of the sockets after which they may be written to. */
  readonly readyEvent: 'connect' | 'secureConnect';
  /** Begins to connect; the caller listens to `readyEvent`, `error` and `close`. */
  dial(request: SocketRequest): Socket;
}

const PRIVATE = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(address, bits, 'ipv6');

/** True for loopback, unspecified, RFC 1918, unique local and link-local addresses, v4-mapped ones included. */
export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  const family = isIP(plain);
  return family !== 0 && PRIVATE.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Compiles how one origin is reached. TLS: SNI unless it is an IP, verification unless `tlsSkipVerify`, sessions resumed. */
export function createDialer(origin: UpstreamOptions, options: DialOptions): Dialer {
  const isTls = origin.scheme === 'https';
  const host = origin.hostname.startsWith('[') ? origin.hostname.slice(1, -1) : origin.hostname;
  const base: TcpNetConnectOpts = {
    host,
    port: origin.port,
    noDelay: true,
    keepAlive: options.tcpKeepAliveMs > 0,
    keepAliveInitialDelay: options.tcpKeepAliveMs,
    ...(options.lookup && { lookup: options.lookup }),
  };
  let secureContext: SecureContext | undefined;
  let session: Buffer | undefined;

  function dialTls(request: SocketRequest): TLSSocket {
    secureContext ??= createSecureContext(options.ca ? { ca: [...options.ca] } : {});
    const socket = connectTls({
      ...base,
      secureContext,
      ALPNProtocols: [...request.alpn],
      rejectUnauthorized: !origin.tlsSkipVerify,
      ...(isIP(host) === 0 && { servername: host }),
      ...(session && { session }),
      ...(request.onread && { onread: request.onread }),
    });
    socket.on('session', (fresh) => {
      session = fresh;
    });
    return socket;
  }

  return {
    readyEvent: isTls ? 'secureConnect' : 'connect',
    dial(request) {
      const socket = isTls ? dialTls(request) : connect({ ...base, ...(request.onread && { onread: request.onread }) });
      if (options.disablePrivateIps) socket.prependOnceListener('connect', () => refusePrivate(socket));
      return socket;
    },
  };
}

function refusePrivate(socket: Socket): void {
  const address = socket.remoteAddress ?? '';
  if (address === '' || isPrivateAddress(address))
    socket.destroy(new SekishoError('UPSTREAM_CONNECT', `private IP address not allowed: ${address}`));
}
