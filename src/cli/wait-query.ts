import type { Flags } from './flags.ts';

/** The query of a change: with `--wait` it is answered when every node serves it. */
export function waitQuery({ wait }: Flags): Readonly<Record<string, string>> {
  return wait === true ? { wait: 'all' } : {};
}
