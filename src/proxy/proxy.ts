import type { Exchange, ExchangeHandler } from '../http/exchange.ts';
import { stripRequestHeaders } from '../http/header-rules.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { defineRefusal, sendProblem } from './answers.ts';
import type { CompiledPath } from './compiled-route.ts';
import { compileDebug } from './debug-fields.ts';
import { type Explanation, explainRequest } from './explain.ts';
import { Forward } from './forward.ts';
import { compileTrust } from './forwarding.ts';
import { compileGate } from './gate.ts';
import { createHeadFlusher } from './head-flusher.ts';
import { ModuleCall } from './module-call.ts';
import { matchPath } from './path-tree.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { ProxyOptions } from './proxy-options.ts';
import { RequestRecord } from './request-record.ts';
import type { Snapshot } from './snapshot.ts';
import { continueTrace } from './trace-context.ts';

export interface Proxy {
  /** Serves one request; this is the whole of the data plane. */
  readonly handle: ExchangeHandler;
  /** Serves from now on from `snapshot`; requests under way finish with what they began with. */
  swap(snapshot: Snapshot): void;
  explain(host: string, method: string, path: string): Explanation;
  readonly inFlight: number;
}

const refuse = {
  starting: defineRefusal('NOT_READY', 'The gateway has not loaded its configuration yet.'),
  host: defineRefusal('NAMESPACE_NOT_FOUND', 'No domain is configured for this host.'),
  domain: defineRefusal('DOMAIN_NOT_ALLOWED', 'This host is not served here: domain not allowed.'),
  path: defineRefusal('ROUTE_NOT_FOUND', 'No route matches this path.'),
  method: defineRefusal('ROUTE_METHOD', 'The path is known, but not with this method.'),
  empty: defineRefusal('ROUTE_EMPTY', 'The route has neither a service nor a module that answers.'),
  upstream: defineRefusal('SERVICE_EMPTY', 'The service of the route has no URL.'),
};

/** The data plane of one worker. */
export function createProxy(options: ProxyOptions): Proxy {
  const gate = compileGate(options);
  const context = createContext(options);
  let snapshot: Snapshot | undefined;
  let inFlight = 0;

  /** The path of every request: host → namespace → gate → path → service or module. */
  function handle(exchange: Exchange): void {
    const record = new RequestRecord(exchange);
    inFlight += 1;
    exchange.onFinish((responseBytes) => {
      inFlight -= 1;
      record.finish(responseBytes);
    });
    if (snapshot === undefined) return refuse.starting(exchange, record);

    const name = snapshot.resolver.resolve(exchange.host);
    const namespace = name === undefined ? undefined : snapshot.namespaces.get(name);
    if (namespace === undefined) return options.strictMode ? exchange.destroy() : refuse.host(exchange, record);
    record.namespace = namespace.namespace.name;
    if (!gate.allows(exchange.host)) return refuse.domain(exchange, record);
    const redirect = gate.redirect(exchange);
    if (redirect !== undefined) return respondRedirect(exchange, record, redirect);

    const match = matchPath(namespace.tree, exchange.method, exchange.path);
    if (match.endpoint === undefined) {
      if (match.allowed.length > 0) return refuse.method(exchange, record, ['Allow', match.allowed.join(', ')]);
      return options.fallback?.handle(exchange, record) === true ? undefined : refuse.path(exchange, record);
    }
    const path = match.endpoint.value;
    const { route, program, service } = path.route;
    record.route = route.name;
    record.pattern = path.pattern;
    if (program !== undefined) return serveModules(exchange, record, path, match.values);
    if (service === undefined) return refuse.empty(exchange, record);
    record.service = service.service.name;
    if (path.destinations.length === 0) return refuse.upstream(exchange, record);
    forward(exchange, record, path);
  }

  function forward(exchange: Exchange, record: RequestRecord, path: CompiledPath): void {
    const call = new Forward({
      context,
      exchange,
      record,
      path,
      fields: context.upstreamFields(exchange, exchange.headers, path.route, record),
      body: exchange.body,
      contentLength: exchange.contentLength,
      answerFields: answerFields(path),
    });
    exchange.onAbort(() => abort(record, call));
    call.start();
  }

  function serveModules(exchange: Exchange, record: RequestRecord, path: CompiledPath, values: readonly string[]): void {
    const { program, service } = path.route;
    if (program === undefined) return;
    if (service !== undefined) record.service = service.service.name;
    else if (!program.hooks.has('requestHandler')) return refuse.empty(exchange, record);
    const call = new ModuleCall({ context, exchange, record, path, program, values, answerFields: answerFields(path) });
    exchange.onAbort(() => abort(record, call));
    record.onFinish = () => call.end();
    const served = service === undefined ? call.serveHandler() : call.serveUpstream();
    served.catch((error: unknown) => sendProblem(exchange, record, toSekishoError(error)));
  }

  /** Fields of every proxied answer: the global ones first, then the gateway's; what a module or the upstream sets follows. */
  function answerFields({ route }: CompiledPath): readonly string[] {
    if (route.service === undefined) return NO_FIELDS;
    return route.hidesGateway ? options.globalFields : options.globalAndViaFields;
  }

  return {
    handle,
    swap(next) {
      snapshot = next;
    },
    explain: (host, method, path) => explainRequest({ snapshot, gate, fallback: options.fallback }, { host, method, path }),
    get inFlight() {
      return inFlight;
    },
  };
}

const NO_FIELDS: readonly string[] = [];
const CLIENT_CLOSED = new SekishoError('CLIENT_CLOSED', 'The client went away before its answer.');

/** The client is gone: nobody waits for what is under way. */
function abort(record: RequestRecord, call: { cancel(): void }): void {
  record.error ??= CLIENT_CLOSED;
  if (record.status === 0) record.status = CLIENT_CLOSED.status;
  call.cancel();
}

function respondRedirect(exchange: Exchange, record: RequestRecord, location: string): void {
  record.status = 307;
  exchange.respond({ status: 307, headers: ['Location', location] });
}

function createContext(options: ProxyOptions): ProxyContext {
  const trust = compileTrust(options);
  return {
    upstreams: options.upstreams,
    trust,
    headFlusher: createHeadFlusher(),
    serviceDefaults: options.serviceDefaults,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs,
    debug: compileDebug(options),
    upstreamFields(exchange, fields, route, record) {
      const out: string[] = [];
      stripRequestHeaders(fields, out);
      trust.appendForwarded(exchange, out);
      for (const field of route.upstreamFields) out.push(field);
      record.traceId = continueTrace(out);
      return out;
    },
  };
}
