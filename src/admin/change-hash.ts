/** The first 64 bits of a hexadecimal hash as a number: DGate shows its hash of changes as a uint64. 0 for an empty hash. */
export function changeHashNumber(hash: string): bigint {
  return hash === '' ? 0n : BigInt(`0x${hash.slice(0, 16)}`);
}
