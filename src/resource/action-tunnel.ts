import type { Exchange, RawHeaders } from '../http/exchange.ts';
import type { UpstreamHandler, UpstreamOptions } from '../http/upstream.ts';
import type { Upstreams } from '../http/upstreams.ts';
import { SekishoError } from '../lib/errors.ts';
import { fieldValue } from './fields.ts';
import { noAnswer } from './no-answer.ts';

/** A server with which the client of an action is to be joined. */
export interface TunnelTarget {
  readonly origin: UpstreamOptions;
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  /** Further fields of the request to it. */
  readonly headers: RawHeaders;
}

const CONNECT_TIMEOUT_MS = 10_000;
const HEAD_TIMEOUT_MS = 30_000;
/** Fields of the client that make the conversation, and the trace of it. Who the client is, the server learns of the handler. */
const PASSED = [
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Version',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Extensions',
  'Origin',
  'traceparent',
  'tracestate',
];

/**
 * Where a handler wants the client of its action to be: `{upstream: 'ws://host:port/path', headers: {name: value}}`. Undefined when that is no answer of such
 * a kind. Throws EXTENSION_FAILED when it is one that makes no sense.
 */
export function toTunnelTarget(response: unknown): TunnelTarget | undefined {
  if (typeof response !== 'object' || response === null || !('upstream' in response)) return undefined;
  const { upstream, headers = {} } = response as { readonly upstream: unknown; readonly headers?: unknown };
  const url = typeof upstream === 'string' ? URL.parse(upstream) : null;
  const isSecure = url?.protocol === 'wss:' || url?.protocol === 'https:';
  if (url === null || (!isSecure && url.protocol !== 'ws:' && url.protocol !== 'http:'))
    throw wrong(`upstream is ${JSON.stringify(upstream)}; expected a URL such as ws://host:port/path`);
  if (typeof headers !== 'object' || headers === null || Object.values(headers).some((value) => typeof value !== 'string'))
    throw wrong('headers is no object of texts');
  return {
    origin: {
      scheme: isSecure ? 'https' : 'http',
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
      http2: false,
      tlsSkipVerify: false,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    },
    authority: url.host,
    target: url.pathname + url.search,
    headers: Object.entries(headers as Record<string, string>).flat(),
  };
}

/** Joins the client with the server; resolves when they are joined. Rejects with UPSTREAM_* when the server does not come along. */
export function openTunnel(exchange: Exchange, upstreams: Upstreams, { origin, authority, target, headers }: TunnelTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const handler: UpstreamHandler = {
      onInform() {},
      onHead(status) {
        call.abort();
        reject(new SekishoError('UPSTREAM_INVALID', `The server of the action answered ${status}, not 101.`));
      },
      onData: () => false,
      onEnd() {},
      onUpgrade(fields, socket, firstBytes) {
        if (exchange.aborted) socket.destroy();
        else exchange.tunnel({ status: 101, headers: fields }, socket, firstBytes);
        resolve();
      },
      onError: reject,
    };
    const passed = PASSED.flatMap((name) => {
      const value = fieldValue(exchange.headers, name.toLowerCase());
      return value === undefined ? [] : [name, value];
    });
    const call = upstreams.get(origin).send(
      {
        method: 'GET',
        target,
        headers: ['Host', authority, ...passed, ...headers],
        body: undefined,
        contentLength: undefined,
        upgrade: exchange.upgrade,
        headTimeoutMs: HEAD_TIMEOUT_MS,
        idleTimeoutMs: 0,
      },
      handler,
    );
    exchange.onAbort(() => {
      call.abort();
      resolve();
    });
  });
}

function wrong(why: string): SekishoError {
  return noAnswer(`context.response.${why}`);
}
