import { observe } from '../lib/event.ts';
import { type Comparison, type Difference, differingRows, orphanedKeys } from './difference.ts';
import { formerKeys, namedKeys } from './former-keys.ts';
import type { TypeLayout } from './layout.ts';

/** What the last comparison of database and etcd found. */
export interface Drift {
  /** ISO 8601. */
  readonly at: string;
  readonly resources: number;
  readonly missing: number;
  readonly different: number;
  readonly orphaned: number;
  /** Keys where resources may stand, with a value that is none of ours: they stay. */
  readonly foreign: number;
  /** Some of the keys. */
  readonly examples: readonly string[];
}

export interface DriftOptions {
  /** All when absent; then former layouts too. */
  readonly types?: readonly TypeLayout[];
  /** Templates that keys were written under before. */
  readonly former?: readonly string[];
  /** 10 by default. */
  readonly maxExamples?: number;
}

const MAX_EXAMPLES = 10;

/** Compares all resources with what etcd holds, and tells. Changes nothing: `resync` repairs. */
export async function measureDrift(comparison: Comparison): Promise<Drift> {
  const start = performance.now();
  const found = await findDrift(comparison);
  const { resources, missing, different, orphaned, examples } = found;
  observe({ type: 'sync.compared', resources, missing, different, orphaned, examples, durationMs: performance.now() - start });
  return found;
}

/** As `measureDrift`, of some types too, and only for who asks. */
export async function findDrift(
  comparison: Comparison,
  { types, former = [], maxExamples = MAX_EXAMPLES }: DriftOptions = {},
): Promise<Drift> {
  const count = { missing: 0, different: 0, orphaned: 0, foreign: 0 };
  const examples: string[] = [];
  /** They come last: nobody has to do anything about them. */
  const foreign: string[] = [];
  let resources = 0;
  const note = ({ kind, key }: Difference): void => {
    count[kind] += 1;
    const list = kind === 'foreign' ? foreign : examples;
    if (list.length < maxExamples) list.push(`${kind} ${key}`);
  };
  for (const layout of types ?? comparison.layout.types) {
    for await (const difference of differingRows(comparison, layout, (rows) => (resources += rows))) note(difference);
    for await (const difference of orphanedKeys(comparison, layout)) note(difference);
  }
  const others = types === undefined ? formerKeys(comparison, former) : namedKeys(comparison, former);
  for await (const difference of others) note(difference);
  return { at: new Date().toISOString(), resources, ...count, examples: [...examples, ...foreign].slice(0, maxExamples) };
}
