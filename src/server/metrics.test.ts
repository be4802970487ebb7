import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { type Event, observe, type RequestEvent } from '../lib/event.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { metricsReference } from './metrics-reference.ts';
import { METRICS, type MetricRow } from './metrics-table.ts';

const REQUEST: RequestEvent = {
  type: 'request',
  id: 'r1',
  traceId: 't1',
  method: 'GET',
  host: 'canary-host.example',
  target: '/canary-path?canary=query',
  version: '1.1',
  remoteAddress: '203.0.113.77',
  namespace: 'default',
  route: 'users',
  pattern: '/users/{id}',
  service: 'backend',
  status: 200,
  durationMs: 3,
  upstreamMs: 2,
  attempts: 2,
  responseBytes: 10,
};

const EVERY_EVENT: readonly Event[] = [
  REQUEST,
  { ...REQUEST, status: 502, error: new SekishoError('UPSTREAM_CONNECT', 'no') },
  { type: 'connection.opened', listener: 'http' },
  { type: 'connection.opened', listener: 'http' },
  { type: 'connection.closed', listener: 'http' },
  { type: 'connection.refused', listener: 'http' },
  { type: 'snapshot.swapped', revision: 7, hash: 'ab', routes: 3, buildMs: 4 },
  { type: 'entity.rejected', kind: 'route', namespace: 'n', name: 'r', error: new SekishoError('MODULE_LOAD', 'x') },
  { type: 'certificate.expiring', domain: 'd', namespace: 'n', daysLeft: 6 },
  { type: 'admin.request', method: 'PUT', path: '/canary-path', status: 201, durationMs: 1, principal: 'admin', remoteAddress: '::1' },
  { type: 'module.called', namespace: 'n', module: 'm', route: 'r', phase: 'request', outcome: 'ok', durationMs: 0.2 },
  { type: 'module.called', namespace: 'n', module: 'm', route: 'r', phase: 'request', outcome: 'timeout', durationMs: 30_000 },
  { type: 'module.thread', namespace: 'n', module: 'm', state: 'killed', reason: 'blocked' },
  { type: 'extension.called', environment: 'pet', event: 'pre_create', outcome: 'ok', durationMs: 0.2 },
  { type: 'extension.thread', kind: 'exclusive', state: 'killed', reason: 'blocked' },
  { type: 'extension.quarantine', environment: 'pet', state: 'quarantined' },
  { type: 'error', error: new SekishoError('INTERNAL', 'x'), where: 'somewhere' },
  { type: 'warning', text: 'careful' },
  { type: 'worker.state', worker: 1, pid: 7, state: 'crashed', reason: 'SIGSEGV' },
  { type: 'sync.leader', role: 'publisher', term: 1, leads: true },
  { type: 'sync.delivered', sink: 'etcd', events: 3, durationMs: 2, lagMs: 0 },
  { type: 'sync.failed', sink: 'etcd', error: new SekishoError('INTERNAL', 'x'), pauseMs: 10 },
  { type: 'fleet.registered', id: 'n', isRegistered: true },
  { type: 'store.health', state: 'ok', revision: 1 },
  { type: 'store.reset', from: 2, to: 1, reason: 'x' },
  { type: 'store.damaged', key: 'k', reason: 'x' },
  { type: 'store.snapshot', outcome: 'written', path: '/s', revision: 1 },
  { type: 'sync.source', source: 'mysql_binlog', state: 'following' },
  { type: 'sync.source', source: 'mysql_binlog', state: 'gap', reason: 'x' },
  { type: 'webhook.sent', receiver: 'r', event: 1, path: '/pets/1', outcome: 'delivered', attempt: 1, durationMs: 3 },
  { type: 'webhook.waiting', receiver: 'r', waiting: 1, ageMs: 1000, dead: 2 },
  { type: 'webhook.overflow', receiver: 'r', what: 'dead', count: 1 },
  { type: 'sync.conflict', keys: ['/a'] },
  { type: 'sync.backlog', count: 4, ageMs: 2000 },
  { type: 'sync.reported', schema: 'pet', report: 'state', path: '/pets/1', outcome: 'stored' },
  { type: 'sync.watched', prefix: '/w', key: '/w/1', action: 'set', outcome: 'ok' },
  { type: 'sync.compared', resources: 1, missing: 1, different: 0, orphaned: 0, examples: [], durationMs: 1 },
  { type: 'cron.run', path: 'cron://a', outcome: 'ok', durationMs: 5 },
];

/** Values by series as `name{labels}`, after a check of the whole text against the format. */
function scrape(metrics: Metrics): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of metrics.render().trimEnd().split('\n')) {
    if (line.startsWith('#')) {
      assert.match(line, /^# (?:HELP [a-z_]+ \S.*|TYPE [a-z_]+ (?:counter|gauge|histogram))$/);
      if (line.startsWith('# TYPE')) typed.add(line.split(' ')[2] ?? '');
      continue;
    }
    const match = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/.exec(line);
    assert.ok(match, `not a sample: ${line}`);
    const [, name = '', labels = '', value] = match;
    assert.ok(typed.has(name) || typed.has(name.replace(/_(?:bucket|sum|count)$/, '')), `${name} has no TYPE before it`);
    assert.ok(!values.has(name + labels), `${name}${labels} is there twice`);
    values.set(name + labels, Number(value));
  }
  return values;
}

test('every event is counted, and every metric of the table is there', (t) => {
  const metrics = createMetrics({ version: '9.9.9', inFlight: () => 4, logDropped: () => 2, workers: () => new Map([['serving', 2]]) });
  t.after(() => metrics.close());
  for (const event of EVERY_EVENT) observe(event);
  const values = scrape(metrics);
  const names = new Set([...values.keys()].map((key) => key.replace(/\{.*/, '').replace(/_(?:bucket|sum|count)$/, '')));
  assert.deepEqual([...names].toSorted(), Object.keys(METRICS).toSorted());
  const wanted: Readonly<Record<string, number>> = {
    'sekisho_requests_total{namespace="default",route="users",pattern="/users/{id}",method="GET",status="200"}': 1,
    'sekisho_requests_total{namespace="default",route="users",pattern="/users/{id}",method="GET",status="502"}': 1,
    'sekisho_request_duration_seconds_bucket{namespace="default",route="users",le="0.0025"}': 0,
    'sekisho_request_duration_seconds_bucket{namespace="default",route="users",le="0.005"}': 2,
    'sekisho_request_duration_seconds_bucket{namespace="default",route="users",le="+Inf"}': 2,
    'sekisho_request_duration_seconds_count{namespace="default",route="users"}': 2,
    'sekisho_request_duration_seconds_sum{namespace="default",route="users"}': 0.006,
    'sekisho_response_bytes_total{namespace="default",route="users"}': 20,
    sekisho_requests_in_flight: 4,
    'sekisho_request_errors_total{code="UPSTREAM_CONNECT"}': 1,
    'sekisho_upstream_retries_total{namespace="default",service="backend"}': 2,
    'sekisho_connections_opened_total{listener="http"}': 2,
    'sekisho_connections_open{listener="http"}': 1,
    sekisho_config_revision: 7,
    sekisho_config_routes: 3,
    'sekisho_module_calls_total{namespace="n",module="m",phase="request",outcome="timeout"}': 1,
    'sekisho_module_duration_seconds_count{namespace="n",module="m",phase="request"}': 2,
    'sekisho_module_threads_total{namespace="n",module="m",state="killed"}': 1,
    'sekisho_admin_requests_total{method="PUT",status="201"}': 1,
    sekisho_log_dropped_total: 2,
    'sekisho_certificate_days_left{namespace="n",domain="d"}': 6,
  };
  for (const [series, value] of Object.entries(wanted)) assert.equal(values.get(series), value, series);
  assert.ok((values.get('process_resident_memory_bytes') ?? 0) > 1e6);
  assert.ok((values.get('process_cpu_seconds_total') ?? 0) > 0);
});

test('a node that does not deliver any more tells nothing of what differs, and follows nothing', (t) => {
  const metrics = createMetrics({ version: '1' });
  t.after(() => metrics.close());
  for (const event of EVERY_EVENT) observe(event);
  observe({ type: 'sync.source', source: 'mysql_binlog', state: 'ended' });
  observe({ type: 'sync.leader', role: 'publisher', term: 1, leads: false });
  const values = scrape(metrics);
  assert.equal(values.get('sekisho_sync_drift{kind="missing"}'), 0);
  assert.equal(values.get('sekisho_sync_following{source="mysql_binlog"}'), 0);
});

test('what clients choose is never a label', (t) => {
  const metrics = createMetrics({ version: '1' });
  t.after(() => metrics.close());
  for (const event of EVERY_EVENT) observe(event);
  const text = metrics.render();
  for (const canary of ['canary', '203.0.113.77', 'r1', 't1']) assert.ok(!text.includes(`${canary}"`) && !text.includes('canary'), canary);
});

test('unknown methods and impossible statuses are `other`', (t) => {
  const metrics = createMetrics({ version: '1' });
  t.after(() => metrics.close());
  for (let i = 0; i < 500; i += 1) observe({ ...REQUEST, method: `M${i}`, status: 999 });
  const series = 'sekisho_requests_total{namespace="default",route="users",pattern="/users/{id}",method="other",status="other"}';
  assert.equal(scrape(metrics).get(series), 500);
});

test('series beyond the limit are counted under `other`, and nothing is lost', (t) => {
  const metrics = createMetrics({ version: '1', maxSeries: 60 });
  t.after(() => metrics.close());
  for (let i = 0; i < 1000; i += 1) observe({ ...REQUEST, route: `route-${i}`, pattern: `/${i}` });
  for (let i = 0; i < 1000; i += 1)
    observe({ type: 'module.called', namespace: 'n', module: `m${i}`, route: '', phase: 'handle', outcome: 'ok', durationMs: 1 });
  const values = scrape(metrics);
  const sum = (prefix: string): number =>
    [...values].filter(([key]) => key.startsWith(prefix)).reduce((total, [, value]) => total + value, 0);
  assert.equal(sum('sekisho_requests_total'), 1000);
  assert.equal(sum('sekisho_request_duration_seconds_count'), 1000);
  assert.equal(sum('sekisho_module_calls_total'), 1000);
  assert.ok((values.get('sekisho_metric_series_overflow_total') ?? 0) > 900);
  assert.ok(values.size < 600, `${values.size} samples`);
});

test('label values are escaped', (t) => {
  const metrics = createMetrics({ version: '1' });
  t.after(() => metrics.close());
  observe({ ...REQUEST, route: 'a"b\\c\nd' });
  assert.ok(metrics.render().includes('route="a\\"b\\\\c\\nd"'));
  scrape(metrics);
});

test('after close nothing is counted any more', () => {
  const metrics = createMetrics({ version: '1' });
  metrics.close();
  observe({ type: 'warning', text: 'late' });
  assert.equal(scrape(metrics).get('sekisho_warnings_total'), undefined);
});

test('the reference page names every metric with its labels', () => {
  const page = metricsReference();
  for (const [name, row] of Object.entries(METRICS as Readonly<Record<string, MetricRow>>)) {
    const line = page.split('\n').find((one) => one.startsWith(`| \`${name}\``));
    assert.ok(line, name);
    for (const label of row.labels) assert.ok(line.includes(`\`${label}\``), `${name} ${label}`);
  }
});

test('histograms have ascending bounds, at most twelve, and counters end in _total', () => {
  for (const [name, row] of Object.entries(METRICS as Readonly<Record<string, MetricRow>>)) {
    const bounds = row.buckets ?? [];
    assert.equal(bounds.length > 0, row.type === 'histogram', name);
    assert.ok(bounds.length <= 12, name);
    assert.deepEqual(
      [...bounds],
      bounds.toSorted((a, b) => a - b),
      name,
    );
    assert.equal(name.endsWith('_total'), row.type === 'counter', name);
  }
});
