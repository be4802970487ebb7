/** An id as it stands in paths; empty for what can be none. */
export function idText(id: unknown): string {
  return typeof id === 'string' ? id : typeof id === 'number' || typeof id === 'bigint' ? id.toString() : '';
}
