import { createServer as createNetServer, Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContext, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { createEngineH1, type EngineH1, superviseWithoutListening } from './engine-h1.ts';
import { createEngineH2 } from './engine-h2.ts';
import type { FrontState } from './front-state.ts';
import { listenError } from './listen-error.ts';
import type { SocketHandle } from './listening-socket.ts';
import { sniffProtocol } from './protocol-sniffer.ts';

/** Where certificates come from. Asked at every handshake, so that a change takes effect with the next connection. */
export interface TlsSource {
  /** The context for a server name (lower case); undefined = the fallback, or a handshake alert when there is none. */
  contextFor(servername: string): SecureContext | undefined;
  /** PEM for clients without a server name and for unknown ones. */
  readonly fallback?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}

/** One address to listen on. */
export interface ListenOptions {
  /** Empty = all addresses. */
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  /** The listener's name in events, metrics and `Exchange.listener`. */
  readonly name: string;
  /** The setting that this address comes from, for error messages: `proxy.port`. */
  readonly setting: string;
  readonly tls?: TlsSource;
  /** Offer HTTP/2 over TLS (ALPN). */
  readonly http2: boolean;
  /** Recognise HTTP/2 with prior knowledge on a listener without TLS. */
  readonly h2c: boolean;
  /** A bound socket to listen on, in place of `host` and `port`. */
  readonly socket?: SocketHandle;
}

/** An open listener. */
export interface Listener {
  readonly port: number;
  /** Replaces the fallback certificate for the next handshakes. Throws what node:tls says about PEM that it cannot use. */
  setFallback(fallback: { readonly cert: string | Buffer; readonly key: string | Buffer }): void;
  /** Closes the HTTP/1 connections that wait for a request, and those that have not said what they speak. */
  closeIdle(): void;
  /** Stops accepting; open connections go on, also those that wait for a request. */
  stopAccepting(): void;
  /** Stops accepting, and closes what waits for a request. */
  close(): void;
}

/** Opens a listener. Rejects with LISTEN_FAILED. `admit` counts a new socket, or refuses it by giving false. */
export async function openListener(state: FrontState, options: ListenOptions, admit: (socket: Socket) => boolean): Promise<Listener> {
  const isBare = options.tls === undefined && !options.h2c;
  const engine = createEngineH1(state, options.name, options.tls !== undefined, isBare ? admit : () => true);
  const silent = new Set<Socket>();
  const server = isBare
    ? engine.server
    : options.tls !== undefined
      ? tlsServer(state, options, options.tls, engine, admit)
      : sniffingServer(state, options, engine, admit, silent);
  if (!isBare) superviseWithoutListening(engine);
  await listen(server, options).catch((error: unknown) => {
    engine.close();
    throw error;
  });
  server.on('error', (cause) =>
    observe({ type: 'error', error: new SekishoError('INTERNAL', 'A listener failed.', { cause }), where: options.name }),
  );
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    setFallback: (fallback) => (server as TlsServer).setSecureContext({ ...fallback, minVersion: 'TLSv1.2' }),
    closeIdle: () => {
      engine.closeIdle();
      for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
    },
    // Not the method of node's HTTP server, which closes connections that wait for a request.
    stopAccepting: () => void NetServer.prototype.close.call(server),
    close: () => {
      server.close();
      if (!isBare) engine.close();
    },
  };
}

function listen(server: NetServer, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => reject(listenError(cause, options.setting, options.host, options.port));
    server.once('error', onError);
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    if (options.socket !== undefined) server.listen({ _handle: options.socket }, BACKLOG, onListening);
    else server.listen({ port: options.port, ...(options.host !== '' && { host: options.host }), backlog: BACKLOG }, onListening);
  });
}

const BACKLOG = 4096;
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

/** A plain listener that tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes. `silent` holds the sockets until then. */
function sniffingServer(
  state: FrontState,
  options: ListenOptions,
  engine: EngineH1,
  admit: (socket: Socket) => boolean,
  silent: Set<Socket>,
): NetServer {
  const engineH2 = createEngineH2(state, options.name, false);
  return createNetServer({ ...SOCKET_OPTIONS, allowHalfOpen: true }, (socket) => {
    if (!admit(socket)) return;
    silent.add(socket);
    const onClose = (): boolean => silent.delete(socket);
    socket.once('close', onClose);
    sniffProtocol(socket, state.limits.headerTimeoutMs, (isH2) => {
      socket.off('close', onClose);
      silent.delete(socket);
      if (isH2) engineH2.accept(socket);
      else engine.accept(socket);
    });
  });
}

function tlsServer(
  state: FrontState,
  options: ListenOptions,
  tls: TlsSource,
  engine: EngineH1,
  admit: (socket: Socket) => boolean,
): TlsServer {
  const engineH2 = options.http2 ? createEngineH2(state, options.name, true) : undefined;
  const server = createTlsServer({
    ...SOCKET_OPTIONS,
    ...tls.fallback,
    minVersion: 'TLSv1.2',
    ALPNProtocols: engineH2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
    handshakeTimeout: state.limits.headerTimeoutMs,
    SNICallback: (servername, callback) => {
      try {
        callback(null, tls.contextFor(servername.toLowerCase()));
      } catch (cause) {
        observe({
          type: 'error',
          error: new SekishoError('INTERNAL', 'The certificate of a handshake could not be chosen.', { cause }),
          where: options.name,
        });
        callback(cause as Error);
      }
    },
  });
  server.on('connection', (socket) => {
    // The handshake of a refused socket ends with the socket.
    admit(socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    // Not before: a client that goes away within its handshake would stay until the handshake's timeout.
    socket.allowHalfOpen = true;
    if (socket.alpnProtocol === 'h2' && engineH2 !== undefined) engineH2.accept(socket);
    else engine.accept(socket);
  });
  // A broken handshake is the client's business; its socket is closed by node.
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy();
  });
  return server;
}
