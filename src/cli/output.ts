import type { OutputFormat } from './flags.ts';
import { toTable } from './table.ts';

/** `value` as text in a format, ending in a newline: JSON with two spaces, YAML, or a table (lists by row, objects by key). */
export async function toOutput(value: unknown, format: OutputFormat): Promise<string> {
  if (format === 'table') return toTable(value);
  if (format === 'yaml') {
    const { stringify } = await import('yaml');
    return stringify(value, { lineWidth: 0 });
  }
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
