const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const TERM = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/y;

/** A span of time as users write it: a string with units (`50ms`, `1m30s`) or an integer of nanoseconds (as DGate has it). */
export type Duration = string | number;

/** Nanoseconds of a Go-style duration string or of an integer; `undefined` when it is neither. Negative spans are given as negative. */
export function parseDurationNs(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const sign = value.startsWith('-') ? -1 : 1;
  const text = value.replace(/^[+-]/, '');
  if (text === '0') return 0;
  if (/^[0-9]+$/.test(text)) return undefined;
  let total = 0;
  TERM.lastIndex = 0;
  let end = 0;
  for (let term = TERM.exec(text); term; term = TERM.exec(text)) {
    total += Number(term[1]) * (UNIT_NS[term[2] ?? ''] ?? 0);
    end = TERM.lastIndex;
  }
  return end === text.length && text !== '' ? sign * Math.round(total) : undefined;
}

/** Milliseconds of a duration that is known to be valid; `fallback` when it is absent. */
export function toMs(value: Duration | undefined, fallback = 0): number {
  const ns = value === undefined ? undefined : parseDurationNs(value);
  return ns === undefined ? fallback : ns / 1e6;
}
