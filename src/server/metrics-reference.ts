import { METRICS, type MetricRow } from './metrics-table.ts';

/** The page `docs/reference/metrics.md`, made from the table of metrics. */
export function metricsReference(): string {
  const rows = Object.entries(METRICS as Readonly<Record<string, MetricRow>>).map(
    ([name, row]) => `| \`${name}\` | ${row.type} | ${row.labels.map((label) => `\`${label}\``).join(', ')} | ${row.help} |`,
  );
  const buckets = Object.entries(METRICS as Readonly<Record<string, MetricRow>>)
    .filter(([, row]) => row.buckets !== undefined)
    .map(([name, row]) => `- \`${name}\`: ${row.buckets?.join(', ')}`);
  return `# Metrics

\`GET /metrics\` of the admin API answers in the Prometheus text format (0.0.4), with the same credentials as every other admin path.
\`disable_metrics: true\` removes it (404).

Label values are bounded: names of entities, path patterns, known methods. A path, a client address or a user agent is never a label.
Beyond 50,000 label sets further ones are counted under the value \`other\`, and \`sekisho_metric_series_overflow_total\` says how often.

| metric | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}

## Buckets (seconds)

${buckets.join('\n')}

## Coming from DGate

| DGate | here |
|---|---|
| \`request_count_total\` | \`sekisho_requests_total\` (without path, host, address, user agent) |
| \`request_duration_milliseconds\` | \`sekisho_request_duration_seconds\` |
| \`upstream_duration_milliseconds\` | \`sekisho_upstream_duration_seconds\` |
| \`module_executions_total\` | \`sekisho_module_calls_total\` (\`phase\` for \`moduleFunc\`) |
| \`module_duration_milliseconds\` | \`sekisho_module_duration_seconds\` |
| \`error_count_total\` | \`sekisho_request_errors_total\` (\`code\` for \`error_value\`) |
| \`resolve_namespace_duration_microseconds\`, \`resolve_cert_duration_milliseconds\` | none: both are part of the request duration |
`;
}
