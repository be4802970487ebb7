import type { ResourceType } from '../schema/types.ts';
import { keyOf } from './column.ts';
import type { Executor } from './executor.ts';
import type { Compilers } from './session.ts';
import type { Selection, Session } from './types.ts';

type Reads = Pick<Session, 'fetch' | 'list'>;

/** Reads that honour `lock_related` over `plain` ones, which lock the rows themselves: first these, then what they embed, then the values are read. */
export function lockingReads(plain: Reads, executor: Executor, { dialect, lock }: Compilers): Reads {
  const lockRelated = async (type: ResourceType, ids: readonly unknown[]): Promise<void> => {
    if (ids.length === 0) return;
    const { texts, parameters } = lock.bind(type, ids);
    for (const text of texts) await executor.rows(text, parameters, { operation: 'other' });
  };
  const isRelated = (selection: Selection): boolean => selection.lock === 'lock_related' && dialect.relatedLock !== 'none';
  const keysOnly = (type: ResourceType, selection: Selection): Selection => ({
    ...selection,
    fields: [keyOf(type)],
    embed: false,
    lock: 'skip_related',
  });
  return {
    async fetch(type, id, selection) {
      if (!isRelated(selection)) return await plain.fetch(type, id, selection);
      if (selection.embed === false) {
        const row = await plain.fetch(type, id, selection);
        if (row !== undefined) await lockRelated(type, [id]);
        return row;
      }
      const found = await plain.fetch(type, id, keysOnly(type, selection));
      if (found === undefined) return undefined;
      await lockRelated(type, [id]);
      return await plain.fetch(type, id, selection);
    },
    async list(type, selection) {
      if (!isRelated(selection)) return await plain.list(type, selection);
      const found = await plain.list(type, keysOnly(type, selection));
      await lockRelated(
        type,
        found.map((row) => row[keyOf(type)]),
      );
      return await plain.list(type, selection);
    },
  };
}
