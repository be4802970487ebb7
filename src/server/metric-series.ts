import { METRICS, type MetricName, type MetricRow } from './metrics-table.ts';

/** A number with its label text; incremented in place. */
export interface Series {
  value: number;
  readonly labels: string;
}

/** Counts of observed values per bucket (the last is +Inf), not cumulative until rendered. */
export interface HistogramSeries {
  readonly counts: Float64Array;
  readonly bounds: readonly number[];
  sum: number;
  readonly labels: string;
}

/** Adds one observation: at most as many comparisons as there are bounds. */
export function observeValue(series: HistogramSeries, value: number): void {
  const { bounds, counts } = series;
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
  counts[bucket] = (counts[bucket] ?? 0) + 1;
  series.sum += value;
}

/** A series as it travels between processes: `value` of a plain one, else the counts of a histogram. */
export interface MetricSample {
  readonly name: MetricName;
  /** `a="1",b="2"`. */
  readonly labels: string;
  readonly value: number;
  readonly counts?: Float64Array;
}

/** All series of the table, and their text. Series are made once per label set and then held by whoever counts. */
export interface SeriesStore {
  /** True while a new series is within the limit. */
  hasRoom(): boolean;
  counter(name: MetricName, ...values: readonly string[]): Series;
  histogram(name: MetricName, ...values: readonly string[]): HistogramSeries;
  collect(): MetricSample[];
  /** The counts, which only grow, that have grown since the last call of this. */
  collectGrown(): MetricSample[];
}

/** True for what only grows and is summed over processes: it must outlive the process that counted it. */
export function isCount(name: MetricName): boolean {
  const { type, merge = 'sum' }: MetricRow = METRICS[name];
  return type !== 'gauge' && merge === 'sum';
}

/** `maxSeries` bounds all label sets together; it is up to the caller to ask `hasRoom` where label values come from traffic. */
export function createSeriesStore(maxSeries: number): SeriesStore {
  const plain = new Map<MetricName, Map<string, Series>>();
  const histograms = new Map<MetricName, Map<string, HistogramSeries>>();
  let size = 0;
  /** How far each count was when it was told. */
  const told = new Map<Series | HistogramSeries, number>();
  const hasGrown = (series: Series | HistogramSeries, count: number): boolean => {
    if (count === (told.get(series) ?? 0)) return false;
    told.set(series, count);
    return true;
  };
  return {
    hasRoom: () => size < maxSeries,
    counter(name, ...values) {
      return findOrAdd(plain, name, toLabels(name, values), (labels) => {
        size += 1;
        return { value: 0, labels };
      });
    },
    histogram(name, ...values) {
      return findOrAdd(histograms, name, toLabels(name, values), (labels) => {
        size += 1;
        const bounds = (METRICS[name] as MetricRow).buckets ?? [];
        return { counts: new Float64Array(bounds.length + 1), bounds, sum: 0, labels };
      });
    },
    collect() {
      const samples: MetricSample[] = [];
      for (const [name, family] of plain) for (const { labels, value } of family.values()) samples.push({ name, labels, value });
      for (const [name, family] of histograms)
        for (const { labels, sum, counts } of family.values()) samples.push({ name, labels, value: sum, counts });
      return samples;
    },
    collectGrown() {
      const samples: MetricSample[] = [];
      for (const [name, family] of plain) {
        if (!isCount(name)) continue;
        for (const series of family.values()) if (hasGrown(series, series.value)) samples.push({ name, ...series });
      }
      for (const [name, family] of histograms) {
        for (const series of family.values()) {
          const { labels, sum, counts } = series;
          const observed = counts.reduce((total, count) => total + count, 0);
          if (hasGrown(series, observed)) samples.push({ name, labels, value: sum, counts });
        }
      }
      return samples;
    },
  };
}

/** Prometheus text, version 0.0.4, in the order of the table. */
export function renderSamples(samples: readonly MetricSample[]): string {
  const byName = Map.groupBy(samples, ({ name }) => name);
  let text = '';
  for (const [name, row] of Object.entries(METRICS) as [MetricName, MetricRow][]) {
    text += `# HELP ${name} ${row.help}\n# TYPE ${name} ${row.type}\n`;
    for (const sample of byName.get(name) ?? [])
      text += row.buckets === undefined ? `${name}${braced(sample.labels)} ${sample.value}\n` : histogramText(name, sample, row.buckets);
  }
  return text;
}

function findOrAdd<T>(all: Map<MetricName, Map<string, T>>, name: MetricName, labels: string, make: (labels: string) => T): T {
  let family = all.get(name);
  if (family === undefined) all.set(name, (family = new Map()));
  let series = family.get(labels);
  if (series === undefined) family.set(labels, (series = make(labels)));
  return series;
}

/** `a="1",b="2"`; values escaped as the text format demands. */
function toLabels(name: MetricName, values: readonly string[]): string {
  return METRICS[name].labels.map((label, i) => `${label}="${escapeLabel(values[i] ?? '')}"`).join(',');
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function histogramText(name: string, { labels, value, counts }: MetricSample, bounds: readonly number[]): string {
  const prefix = labels === '' ? '' : `${labels},`;
  let text = '';
  let total = 0;
  for (let i = 0; i <= bounds.length; i += 1) {
    total += counts?.[i] ?? 0;
    text += `${name}_bucket{${prefix}le="${bounds[i] ?? '+Inf'}"} ${total}\n`;
  }
  return `${text}${name}_sum${braced(labels)} ${value}\n${name}_count${braced(labels)} ${total}\n`;
}
