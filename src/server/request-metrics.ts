import type { RequestEvent } from '../lib/event.ts';
import { type HistogramSeries, observeValue, type Series, type SeriesStore } from './metric-series.ts';

/** Everything that is counted for one route; found by its name, so that a request costs one map look-up and a few additions. */
interface RouteSeries {
  readonly namespace: string;
  readonly route: string;
  readonly pattern: string;
  readonly service: string;
  readonly duration: HistogramSeries;
  readonly bytes: Series;
  readonly upstream: HistogramSeries;
  readonly retries: Series;
  /** Keyed by method index * 1000 + status: a number, because a string key would be built for every request. */
  readonly requests: Map<number, Series>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'other'] as const;
const METHOD_INDEX: ReadonlyMap<string, number> = new Map(METHODS.map((method, i) => [method, i]));
const OTHER_METHOD = METHODS.length - 1;
const OTHER = 'other';

/** Counts proxy requests. Label sets beyond the limit of `store` are counted under `other`, and in `overflow`. */
export function createRequestMetrics(store: SeriesStore, overflow: Series): (event: RequestEvent) => void {
  const byRoute = new Map<string, RouteSeries[]>();
  const errors = new Map<string, Series>();
  let rest: RouteSeries | undefined;

  const addRoute = (event: RequestEvent): RouteSeries => {
    if (!store.hasRoom()) {
      rest ??= makeRouteSeries(store, OTHER, OTHER, OTHER, OTHER);
      return rest;
    }
    const series = makeRouteSeries(store, event.namespace, event.route, event.pattern, event.service);
    const list = byRoute.get(event.route);
    if (list === undefined) byRoute.set(event.route, [series]);
    else list.push(series);
    return series;
  };

  return (event) => {
    const series = findRoute(byRoute.get(event.route), event) ?? addRoute(event);
    if (series === rest) overflow.value += 1;
    requestCounter(store, series, event).value += 1;
    observeValue(series.duration, event.durationMs / 1000);
    series.bytes.value += event.responseBytes;
    if (event.attempts > 0) {
      observeValue(series.upstream, event.upstreamMs / 1000);
      series.retries.value += event.attempts - 1;
    }
    if (event.error !== undefined) {
      const { code } = event.error;
      let counter = errors.get(code);
      if (counter === undefined) errors.set(code, (counter = store.counter('sekisho_request_errors_total', code)));
      counter.value += 1;
    }
  };
}

function findRoute(list: readonly RouteSeries[] | undefined, event: RequestEvent): RouteSeries | undefined {
  if (list === undefined) return undefined;
  for (let i = 0; i < list.length; i += 1) {
    const series = list[i];
    if (series?.pattern === event.pattern && series.namespace === event.namespace && series.service === event.service) return series;
  }
  return undefined;
}

function makeRouteSeries(store: SeriesStore, namespace: string, route: string, pattern: string, service: string): RouteSeries {
  return {
    namespace,
    route,
    pattern,
    service,
    duration: store.histogram('sekisho_request_duration_seconds', namespace, route),
    bytes: store.counter('sekisho_response_bytes_total', namespace, route),
    upstream: store.histogram('sekisho_upstream_duration_seconds', namespace, service),
    retries: store.counter('sekisho_upstream_retries_total', namespace, service),
    requests: new Map(),
  };
}

/** Without room for another label set the request is counted as method and status `other` of its route. */
function requestCounter(store: SeriesStore, series: RouteSeries, event: RequestEvent): Series {
  const method = METHOD_INDEX.get(event.method) ?? OTHER_METHOD;
  const key = method * 1000 + (event.status >= 100 && event.status <= 599 ? event.status : 0);
  const known = series.requests.get(key);
  if (known !== undefined) return known;
  return addRequestCounter(store, series, store.hasRoom() ? key : OTHER_METHOD * 1000);
}

function addRequestCounter(store: SeriesStore, series: RouteSeries, key: number): Series {
  const method = METHODS[Math.floor(key / 1000)] ?? OTHER;
  const status = key % 1000 === 0 ? OTHER : String(key % 1000);
  const counter = store.counter('sekisho_requests_total', series.namespace, series.route, series.pattern, method, status);
  series.requests.set(key, counter);
  return counter;
}
