import type { CliIo } from './io.ts';

const BAR_CHARS = 30;
const REDRAW_MS = 100;

/** How far a part of some work is. */
export interface Progress {
  readonly table: string;
  readonly done: number;
  readonly total: number;
}

/** Shows progress on stderr: a bar per part that is drawn over on a terminal, elsewhere a line when a part is done. */
export function createProgressBar({ isTerminal = false, err }: CliIo): (progress: Progress) => void {
  let drawnAt = 0;
  return ({ table, done, total }) => {
    const isDone = done >= total;
    const isDue = performance.now() - drawnAt >= REDRAW_MS;
    if (!isDone && !(isTerminal && isDue)) return;
    drawnAt = performance.now();
    const filled = total === 0 ? BAR_CHARS : Math.min(BAR_CHARS, Math.floor((done / total) * BAR_CHARS));
    const bar = isTerminal ? `\r[${'#'.repeat(filled)}${'.'.repeat(BAR_CHARS - filled)}] ` : '';
    err(`${bar}${table}: ${done} of ${total} rows${isDone ? '\n' : ''}`);
  };
}
