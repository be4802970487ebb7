import type { Compare, KeyValue } from '../etcd/types.ts';

/** Whether the leader's key, as it is now, still fulfils the condition of a fence. */
export function isFenced(
  compare: Compare,
  kv: Pick<KeyValue, 'createRevision' | 'modRevision' | 'version' | 'value' | 'lease'> | undefined,
): boolean {
  switch (compare.target) {
    case 'value':
      return kv !== undefined && kv.value.equals(Buffer.from(compare.value)) === (compare.result === '=');
    case 'lease':
      return kv?.lease === compare.value;
    default: {
      const found = kv?.[compare.target] ?? 0;
      if (compare.result === '=') return found === compare.value;
      if (compare.result === '!=') return found !== compare.value;
      return compare.result === '<' ? found < compare.value : found > compare.value;
    }
  }
}
