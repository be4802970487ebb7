import { performance } from 'node:perf_hooks';
import type { Exchange } from '../http/exchange.ts';
import { fieldValue } from '../http/header-rules.ts';
import type { CompiledPath } from './compiled-route.ts';
import { compileAddressList } from './forwarding.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { RequestRecord } from './request-record.ts';

/** Adds the fields that explain an answer, when the request asks (`X-Sekisho-Debug`) and its peer may. */
export type DebugFields = (exchange: Exchange, record: RequestRecord, path: CompiledPath, fields: readonly string[]) => readonly string[];

/** Undefined when nobody may ask: then no request pays for the question. */
export function compileDebug(options: Pick<ProxyOptions, 'debug' | 'debugAllowList'>): DebugFields | undefined {
  if (!options.debug && options.debugAllowList.length === 0) return undefined;
  const isListed = compileAddressList(options.debugAllowList);
  return (exchange, record, path, fields) => {
    if (fieldValue(exchange.headers, 'x-sekisho-debug') === undefined) return fields;
    if (!options.debug && !isListed(exchange.remoteAddress)) return fields;
    return [...fields, ...explain(record, path)];
  };
}

function explain(record: RequestRecord, path: CompiledPath): string[] {
  const { route, namespace, service, program } = path.route;
  const out = ['X-Sekisho-Request-Id', record.id, 'X-Sekisho-Namespace', encodeURI(namespace.name), 'X-Sekisho-Route', encodeURI(route.name), 'X-Sekisho-Path', encodeURI(path.pattern)];
  if (service !== undefined) out.push('X-Sekisho-Service', encodeURI(service.service.name));
  if (program !== undefined) out.push('X-Sekisho-Modules', (route.modules ?? []).map(encodeURI).join(', '));
  out.push('Server-Timing', `match;dur=${(performance.now() - record.startedAt).toFixed(3)}`);
  return out;
}
