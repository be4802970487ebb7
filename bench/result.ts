/** A limit that is kept when it is reached. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One measured figure beside its goal. */
export interface Measurement {
  readonly name: string;
  readonly measured: number;
  readonly unit: string;
  /** What `measured` has to keep; absent for figures without a goal. */
  readonly goal?: Goal;
  /** How it was found, in a few words: absolute figures behind a ratio, spread. */
  readonly note?: string;
}

/** True when the figure keeps its goal, or has none. */
export function isMet({ goal, measured }: Measurement): boolean {
  if (goal === undefined) return true;
  return 'atMost' in goal ? measured <= goal.atMost : measured >= goal.atLeast;
}

/** The rows as a table of plain text. */
export function toTable(rows: readonly Measurement[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${format(row.measured)} ${row.unit}`,
    row.goal ? formatGoal(row.goal) : '',
    row.goal ? (isMet(row) ? 'met' : 'MISSED') : '',
    row.note ?? '',
  ]);
  const all = [['what', 'measured', 'goal', '', 'how'], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The middle one of some figures; the mean of the middle two when they are even in number. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** The figure below which `share` (0 to 1) of all lie. */
export function quantile(figures: readonly number[], share: number): number {
  return figures.toSorted((a, b) => a - b)[Math.min(figures.length - 1, Math.floor(figures.length * share))] ?? Number.NaN;
}

function formatGoal(goal: Goal): string {
  return 'atMost' in goal ? `≤ ${format(goal.atMost)}` : `≥ ${format(goal.atLeast)}`;
}

function format(figure: number): string {
  return Number.isInteger(figure) ? `${figure}` : figure.toFixed(figure < 10 ? 2 : 1);
}
