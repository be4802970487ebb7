import { performance } from 'node:perf_hooks';
import type { Exchange } from '../http/exchange.ts';
import { fieldValue } from '../http/header-rules.ts';
import type { CompiledPath } from './compiled-route.ts';
import { toFieldText } from './field-text.ts';
import { compileAddressList } from './forwarding.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { RequestRecord } from './request-record.ts';

/** The fields that explain an answer to a client that asks (`X-Sekisho-Debug`) and may; written when the answer is, so that they have its times. */
export interface DebugFields {
  append(exchange: Exchange, record: RequestRecord, path: CompiledPath, out: string[]): void;
}

/** Undefined when nobody may ask: then no request pays for the question. */
export function compileDebug(options: Pick<ProxyOptions, 'debug' | 'debugAllowList'>): DebugFields | undefined {
  if (!options.debug && options.debugAllowList.length === 0) return undefined;
  const isListed = compileAddressList(options.debugAllowList);
  return {
    append(exchange, record, path, out) {
      if (options.debug && record.upstreamUrl !== '' && !path.route.hidesGateway)
        out.push('X-Upstream-URL', toFieldText(record.upstreamUrl));
      if (fieldValue(exchange.headers, 'x-sekisho-debug') === undefined) return;
      if (options.debug || isListed(exchange.remoteAddress)) explain(record, path, out);
    },
  };
}

function explain(record: RequestRecord, path: CompiledPath, out: string[]): void {
  const { route, namespace, service, program } = path.route;
  out.push(
    'X-Sekisho-Request-Id',
    record.id,
    'X-Sekisho-Namespace',
    toFieldText(namespace.name),
    'X-Sekisho-Route',
    toFieldText(route.name),
    'X-Sekisho-Path',
    toFieldText(path.pattern),
  );
  if (service !== undefined)
    out.push('X-Sekisho-Service', toFieldText(service.service.name), 'X-Sekisho-Attempts', String(record.attempts));
  if (program !== undefined) out.push('X-Sekisho-Modules', (route.modules ?? []).map(toFieldText).join(', '));
  out.push(
    'Server-Timing',
    `total;dur=${ms(performance.now() - record.startedAt)}, upstream;dur=${ms(record.upstreamMs)}, modules;dur=${ms(record.moduleMs)}`,
  );
}

function ms(duration: number): string {
  return duration.toFixed(3);
}
