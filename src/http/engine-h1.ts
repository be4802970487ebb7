import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SekishoError } from '../lib/errors.ts';
import { ExchangeH1 } from './exchange-h1.ts';
import type { FrontState } from './front-state.ts';
import { H1Connection } from './h1-connection.ts';
import { H1Request } from './h1-request.ts';
import { guardHead, tooLargeHead, tooLongTarget, unknownCoding } from './head-guard.ts';
import { peerAddress } from './peer-address.ts';
import type { HttpSocket } from './response-slot.ts';

/** The request line and the blank line come on top of what the limits count. */
const HEAD_SLACK_BYTES = 256;
const LF = 10;
const MAX_PACKET_BYTES = 65_536;
const CONNECTION = Symbol('connection');

interface FrontSocket extends HttpSocket {
  [CONNECTION]?: H1Connection;
}

/** HTTP/1.0 and 1.1: a node:http server that either listens itself or is given sockets. */
export interface EngineH1 {
  readonly server: Server;
  /** Speaks HTTP/1 on a connected socket (TLS, or after the protocol was told apart). */
  accept(socket: Socket): void;
  /** Closes the connections that wait for a request. */
  closeIdle(): void;
  close(): void;
}

/** Makes the HTTP/1 engine of one listener. `onOpen` may refuse a connection by giving false; it is called for sockets that the server itself accepts. */
export function createEngineH1(state: FrontState, listener: string, isTls: boolean, onOpen: (socket: Socket) => boolean): EngineH1 {
  const { limits } = state;
  const server = createServer({
    IncomingMessage: H1Request as unknown as typeof IncomingMessage,
    ServerResponse: ExchangeH1 as unknown as typeof ServerResponse,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    requireHostHeader: false,
    maxHeaderSize: limits.maxTargetBytes + limits.maxHeaderBytes + HEAD_SLACK_BYTES,
    headersTimeout: Math.min(limits.headerTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, Math.max(10, Math.floor(limits.headerTimeoutMs / 4))),
    // The sweep closes idle connections: a timer per answer costs more.
    keepAliveTimeout: 0,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    shouldUpgradeCallback: (request: IncomingMessage) => isUpgrade(request as H1Request, state),
  } as Parameters<typeof createServer>[0]);
  // Bounded by maxHeaderSize; a count here would cut fields off silently, framing ones included.
  server.maxHeadersCount = 0;

  const onRequest = (request: H1Request, exchange: ExchangeH1): void => {
    const connection = (request.socket as FrontSocket)[CONNECTION];
    if (connection === undefined) request.socket.destroy();
    else connection.onRequest(exchange);
  };
  server.on('connection', (socket: FrontSocket) => {
    if (!onOpen(socket)) return;
    socket[CONNECTION] = new H1Connection(socket, state, listener, isTls, peerAddress(socket));
  });
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, onRequest);
  const onTakeOver = (request: H1Request, socket: FrontSocket, head: Buffer): void => {
    // node has taken its listeners off the socket.
    socket.on('error', () => socket.destroy());
    const exchange = new ExchangeH1(request);
    exchange.upgradeHead = head;
    request.complete = true;
    exchange.assignSocket(socket);
    onRequest(request, exchange);
  };
  server.on('upgrade', onTakeOver);
  server.on('connect', onTakeOver);
  server.on('clientError', (error: ParserError, socket: FrontSocket) => onParserError(error, socket, state));

  return {
    server,
    accept: (socket) => {
      server.emit('connection', socket);
    },
    closeIdle: () => server.closeIdleConnections(),
    close: () => {
      server.close();
    },
  };
}

/** Starts the supervision of header and request timeouts in an engine that does not listen itself: node does it when it hears this event. */
export function superviseWithoutListening(engine: EngineH1): void {
  engine.server.emit('listening');
}

interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
  readonly bytesParsed?: number;
  readonly rawPacket?: Buffer;
}

function isUpgrade(request: H1Request, state: FrontState): boolean {
  request.judged = guardHead(
    request.method ?? '',
    request.url ?? '',
    request.httpVersion === '1.1' ? '1.1' : '1.0',
    request.rawHeaders,
    state.limits,
  );
  return request.judged.ok && request.judged.upgrade !== undefined;
}

function onParserError(error: ParserError, socket: FrontSocket, state: FrontState): void {
  const connection = socket[CONNECTION];
  const isWire = error.code?.startsWith('HPE_') === true || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  if (connection === undefined || !isWire || !socket.writable) socket.destroy();
  // A connection that was opened ahead of need and never used gets no answer to a question it did not ask.
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) socket.destroy();
  else connection.fail(toRequestError(error, state));
}

/** What the failure of node's parser means to the client. */
function toRequestError(error: ParserError, { limits }: FrontState): SekishoError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new SekishoError(
        'REQUEST_TIMEOUT',
        `The request did not arrive completely within ${limits.headerTimeoutMs} ms (head) or ${limits.requestTimeoutMs} ms (all of it).`,
      );
    case 'HPE_HEADER_OVERFLOW':
      return (isInRequestLine(error) ? tooLongTarget(limits) : tooLargeHead(limits)).error;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new SekishoError('BODY_TOO_LARGE', 'The chunk extensions are too long.');
    case 'HPE_INVALID_VERSION':
      return versionError(error);
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return codingError(error);
    case 'HPE_INVALID_METHOD':
      return methodError(error);
    default:
      return malformed(error);
  }
}

function malformed(error: ParserError): SekishoError {
  return new SekishoError('REQUEST_INVALID', `The request is not HTTP/1.1: ${error.reason ?? error.message}.`);
}

/** True when the parser gave up before the end of the first line. Known only for what came in one piece, which is the ordinary case. */
function isInRequestLine(error: ParserError): boolean {
  const packet = error.rawPacket;
  if (packet === undefined) return false;
  const newline = packet.indexOf(LF);
  return newline < 0 || newline >= (error.bytesParsed ?? 0);
}

/** What the parser had read of the head that it gave up on, up to the end of the line. Known only for what came in one piece. */
function brokenHead(error: ParserError): string {
  const text = error.rawPacket?.toString('latin1', 0, MAX_PACKET_BYTES) ?? '';
  const at = Math.max(0, (error.bytesParsed ?? 0) - 1);
  const end = text.indexOf('\n', at);
  const blank = text.lastIndexOf('\r\n\r\n', at - 4);
  return text.slice(blank < 0 ? 0 : blank + 4, end < 0 ? text.length : end);
}

/** Well-formed versions that are not served are 505; anything else is no request line (and neither is one that ends without CR). */
function versionError(error: ParserError): SekishoError {
  const version = / HTTP\/([0-9]\.[0-9])\r?$/.exec(brokenHead(error))?.[1];
  if (version === undefined || version === '1.0' || version === '1.1') return malformed(error);
  return new SekishoError('VERSION_NOT_SUPPORTED', `HTTP/${version} is not served over this connection; use HTTP/1.1.`);
}

/** A final transfer coding other than chunked: unknown to us, or known and in a wrong place. */
function codingError(error: ParserError): SekishoError {
  const head = brokenHead(error);
  const fields = [...head.matchAll(/^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$/gim)];
  const value = fields.at(-1)?.[1];
  return fields.length === 1 && value !== undefined && !/^content-length:/im.test(head) ? unknownCoding(value).error : malformed(error);
}

/** A well-formed request line with a method that the parser does not know is 501 (RFC 9110 9.1), anything else is noise. */
function methodError(error: ParserError): SekishoError {
  const line = brokenHead(error).split('\n').at(-1) ?? '';
  const [, method] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) \S+ HTTP\/1\.[01]\r$/.exec(line) ?? [];
  // Behind a body the line may begin with bytes of it; then the parser failed further on than in the first word.
  const text = error.rawPacket?.toString('latin1', 0, error.bytesParsed) ?? '';
  const column = text.length - text.lastIndexOf('\n') - 1;
  if (method === undefined || column > method.length + 1) return malformed(error);
  return new SekishoError('METHOD_NOT_IMPLEMENTED', `The method ${method} is not known.`);
}
