import { observe } from '../lib/event.ts';
import { type Comparison, type Difference, differingRows, orphanedKeys } from './difference.ts';
import { formerKeys } from './former-keys.ts';

/** What the last comparison of database and etcd found. */
export interface Drift {
  /** ISO 8601. */
  readonly at: string;
  readonly resources: number;
  readonly missing: number;
  readonly different: number;
  readonly orphaned: number;
  /** Some of the keys. */
  readonly examples: readonly string[];
}

const MAX_EXAMPLES = 10;

/** Compares all resources with what etcd holds, and tells. Changes nothing: `resync` repairs. */
export async function measureDrift(comparison: Comparison): Promise<Drift> {
  const start = performance.now();
  const count = { missing: 0, different: 0, orphaned: 0 };
  const examples: string[] = [];
  let resources = 0;
  const note = ({ kind, key }: Difference): void => {
    count[kind] += 1;
    if (examples.length < MAX_EXAMPLES) examples.push(`${kind} ${key}`);
  };
  for (const layout of comparison.layout.types) {
    for await (const difference of differingRows(comparison, layout, (rows) => (resources += rows))) note(difference);
    for await (const difference of orphanedKeys(comparison, layout)) note(difference);
  }
  for await (const difference of formerKeys(comparison)) note(difference);
  observe({ type: 'sync.compared', resources, ...count, examples, durationMs: performance.now() - start });
  return { at: new Date().toISOString(), resources, ...count, examples };
}
