import type { Step } from './steps.ts';

/** Bounds of one transaction: etcd takes 128 operations and 1.5 MiB by default. */
export interface TxnLimits {
  readonly maxOperations: number;
  readonly maxBytes: number;
}

/** The operations of a transaction that are not those of its steps: the mark of what it delivers; and comparing the leader's key. */
const OWN_OPERATIONS = 1;
/** Of an event in the mark. */
const MARK_BYTES = 24;

/** Puts steps into transactions, in order. One that is over the limit by itself gets one of its own. */
export function packSteps(steps: readonly Step[], { maxOperations, maxBytes }: TxnLimits): readonly (readonly Step[])[] {
  const txns: Step[][] = [];
  let operations = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (const step of steps) {
    const ownOperations = step.write.kind === 'delete' ? 3 : 1;
    const ownBytes = sizeOf(step);
    if (operations + ownOperations > maxOperations || bytes + ownBytes > maxBytes) {
      txns.push([]);
      operations = OWN_OPERATIONS;
      bytes = 0;
    }
    txns.at(-1)?.push(step);
    operations += ownOperations;
    bytes += ownBytes;
  }
  return txns;
}

function sizeOf({ key, path, events, write }: Step): number {
  const value = write.kind === 'put' ? Buffer.byteLength(write.value) : 2 * path.length;
  // The key stands in a comparison, an operation and what is asked when the comparison fails.
  return 3 * Buffer.byteLength(key) + value + MARK_BYTES * events.length;
}
