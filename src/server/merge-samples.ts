import { isCount, type MetricSample } from './metric-series.ts';
import { METRICS, type MetricRow } from './metrics-table.ts';

/** The series of one process. */
export interface ProcessSamples {
  /** `supervisor`, `worker-1`; values of the label `process`. */
  readonly process: string;
  readonly samples: readonly MetricSample[];
}

/** One list of series for several processes, merged as the rows of `METRICS` say. */
export function mergeSamples(processes: readonly ProcessSamples[]): readonly MetricSample[] {
  const merged = new Map<string, MetricSample>();
  for (const { process, samples } of processes) {
    for (const sample of samples) {
      const { merge = 'sum' }: MetricRow = METRICS[sample.name];
      const labels = merge === 'process' ? `${sample.labels === '' ? '' : `${sample.labels},`}process="${process}"` : sample.labels;
      const key = `${sample.name}{${labels}`;
      const before = merged.get(key);
      merged.set(key, before === undefined ? { ...sample, labels } : combine(before, sample, merge));
    }
  }
  return [...merged.values()];
}

function combine(a: MetricSample, b: MetricSample, merge: MetricRow['merge']): MetricSample {
  const value = merge === 'max' ? Math.max(a.value, b.value) : a.value + b.value;
  if (a.counts === undefined || b.counts === undefined) return { ...a, value };
  const { counts } = b;
  return { ...a, value, counts: a.counts.map((count, i) => count + (counts[i] ?? 0)) };
}

/** What stays of the series of a process that has ended: counts, so that sums never go back. */
export function onlyCounts(samples: readonly MetricSample[]): readonly MetricSample[] {
  return samples.filter(({ name }) => isCount(name));
}

/** The series of a process with those in place that it has told anew. */
export function withGrown(samples: readonly MetricSample[], grown: readonly MetricSample[]): readonly MetricSample[] {
  if (grown.length === 0) return samples;
  const keyOf = ({ name, labels }: MetricSample): string => `${name}{${labels}`;
  return [...new Map([...samples, ...grown].map((sample) => [keyOf(sample), sample])).values()];
}
