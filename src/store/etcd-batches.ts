import type { TxnOperation } from '../etcd/types.ts';

/** How many operations of a transaction are for what is stored; etcd takes 128. */
export const MAX_OPERATIONS = 120;
/** How many bytes of values, of the 1.5 MiB that a request may have; keys come on top. */
export const MAX_BYTES = 1_250_000;

/** Groups that fit one transaction each, in order. */
export function toBatches(operations: readonly TxnOperation[]): readonly (readonly TxnOperation[])[] {
  const batches: TxnOperation[][] = [];
  let bytes = 0;
  for (const operation of operations) {
    const size = 'put' in operation ? Buffer.byteLength(operation.put.value) : 0;
    const last = batches.at(-1);
    if (last !== undefined && last.length < MAX_OPERATIONS && bytes + size <= MAX_BYTES) {
      last.push(operation);
      bytes += size;
    } else {
      batches.push([operation]);
      bytes = size;
    }
  }
  return batches;
}
