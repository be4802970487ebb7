const MAX_CELL_CHARS = 60;
const MIN_COLUMN_CHARS = 1;

/** A table for people: a list of objects gives a row each, an object a row per key, anything else its text. Ends in a newline. */
export function toTable(value: unknown): string {
  if (Array.isArray(value)) return listTable(value);
  if (isObject(value)) return align(Object.entries(value).map(([key, field]) => [key, toCell(field)]));
  return `${toCell(value)}\n`;
}

/** Lines of values as aligned columns; the first line may be a head. Ends in a newline. */
export function toColumns(lines: readonly (readonly unknown[])[]): string {
  return align(lines.map((line) => line.map(toCell)));
}

function listTable(rows: readonly unknown[]): string {
  if (!rows.every(isObject)) return rows.map((row) => `${toCell(row)}\n`).join('');
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (columns.length === 0) return '(none)\n';
  return align([columns.map((column) => column.toUpperCase()), ...rows.map((row) => columns.map((column) => toCell(row[column])))]);
}

function align(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [column, cell] of line.entries()) widths[column] = Math.max(widths[column] ?? MIN_COLUMN_CHARS, cell.length);
  }
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function toCell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  const isTextList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  const text = typeof value === 'string' ? value : isTextList ? value.join(',') : JSON.stringify(value);
  // Stored text must not be able to steer the reader's terminal.
  const safe = text.replace(/\p{Cc}/gu, ' ');
  return safe.length > MAX_CELL_CHARS ? `${safe.slice(0, MAX_CELL_CHARS - 1)}…` : safe;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
