import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** `root` and all its descendants that live now (Linux: /proc). */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = Number(/^\d+$/.test(entry) ? statFields(Number(entry))[1] : Number.NaN);
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (let i = 0; i < tree.length; i += 1) tree.push(...(children.get(tree[i] ?? 0) ?? []));
  return tree;
}

/** Seconds of CPU, user and system, that these processes used so far with all their threads. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statFields(pid);
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Bytes of memory that these processes hold now (resident set; pages shared between them count once each). */
export function rssBytes(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  return total;
}

/** Fields of /proc/PID/stat behind the command name, from the third (state) on; empty when the process is gone. */
function statFields(pid: number): string[] {
  const text = readProc(`/proc/${pid}/stat`);
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
