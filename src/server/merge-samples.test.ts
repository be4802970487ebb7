import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeSamples, onlyCounts, withGrown } from './merge-samples.ts';
import { createSeriesStore, type MetricSample, observeValue, renderSamples } from './metric-series.ts';

const samples = (requests: number, revision: number, rss: number): readonly MetricSample[] => [
  { name: 'sekisho_warnings_total', labels: '', value: requests },
  { name: 'sekisho_connections_open', labels: 'listener="proxy"', value: 3 },
  { name: 'sekisho_config_revision', labels: '', value: revision },
  { name: 'sekisho_admin_request_duration_seconds', labels: '', value: 0.5, counts: new Float64Array(13).fill(requests) },
  { name: 'process_resident_memory_bytes', labels: '', value: rss },
  { name: 'sekisho_event_loop_delay_seconds', labels: 'quantile="1"', value: 0.1 },
];

test('counters, histograms and gauges are summed, versions are the highest, processes stay apart', () => {
  const merged = mergeSamples([
    { process: 'supervisor', samples: samples(1, 7, 100) },
    { process: 'worker-1', samples: samples(2, 6, 200) },
  ]);
  const text = renderSamples(merged);
  for (const line of [
    'sekisho_warnings_total 3',
    'sekisho_connections_open{listener="proxy"} 6',
    'sekisho_config_revision 7',
    'sekisho_admin_request_duration_seconds_bucket{le="0.001"} 3',
    'sekisho_admin_request_duration_seconds_count 39',
    'sekisho_admin_request_duration_seconds_sum 1',
    'process_resident_memory_bytes{process="supervisor"} 100',
    'process_resident_memory_bytes{process="worker-1"} 200',
    'sekisho_event_loop_delay_seconds{quantile="1",process="worker-1"} 0.1',
  ])
    assert.ok(text.includes(`\n${line}\n`), line);
});

test('of a process that has ended its counts stay', () => {
  const names = onlyCounts(samples(1, 1, 1)).map(({ name }) => name);
  assert.deepEqual(names, ['sekisho_warnings_total', 'sekisho_admin_request_duration_seconds']);
});

test('counts that have grown are told once, and take the place of what was known', () => {
  const store = createSeriesStore(100);
  const counter = store.counter('sekisho_warnings_total');
  const duration = store.histogram('sekisho_admin_request_duration_seconds');
  store.counter('sekisho_connections_open', 'proxy').value = 3;
  assert.deepEqual(store.collectGrown(), []);
  counter.value = 2;
  observeValue(duration, 0);
  const first = structuredClone(store.collectGrown());
  assert.deepEqual(
    first.map(({ name }) => name),
    ['sekisho_warnings_total', 'sekisho_admin_request_duration_seconds'],
  );
  assert.deepEqual(store.collectGrown(), []);
  counter.value = 5;
  const known = withGrown(withGrown([], first), store.collectGrown());
  assert.deepEqual(
    known.map(({ value, counts }) => [value, counts?.[0]]),
    [
      [5, undefined],
      [0, 1],
    ],
  );
});
