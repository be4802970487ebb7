import type { ResourceType } from '../schema/types.ts';
import { keyOf } from './column.ts';
import type { Executor } from './executor.ts';
import type { Compilers } from './session.ts';
import type { Resource, Selection, Session } from './types.ts';

type Reads = Pick<Session, 'fetch' | 'list'>;

/** Reads that honour `lock_related` over `plain` ones, which lock the rows themselves: first these, then what they embed, then the values are read. */
export function lockingReads(plain: Reads, executor: Executor, compilers: Compilers): Reads {
  const isRelated = (selection: Selection): boolean => selection.lock === 'lock_related' && compilers.dialect.relatedLock !== 'none';
  const lockRelated = async (type: ResourceType, ids: readonly unknown[]): Promise<void> => {
    if (ids.length === 0) return;
    const { texts, parameters } = compilers.lock.bind(type, ids);
    for (const text of texts) await executor.rows(text, parameters, { operation: 'other' });
  };
  const fetchLocked = async (type: ResourceType, id: unknown, selection: Selection): Promise<Resource | undefined> => {
    const isWhole = selection.embed === false;
    const found = await plain.fetch(type, id, isWhole ? selection : keysOnly(type, selection));
    if (found === undefined) return undefined;
    await lockRelated(type, [id]);
    return isWhole ? found : await plain.fetch(type, id, selection);
  };
  const listLocked = async (type: ResourceType, selection: Selection): Promise<readonly Resource[]> => {
    const found = await plain.list(type, keysOnly(type, selection));
    await lockRelated(
      type,
      found.map((row) => row[keyOf(type)]),
    );
    return await plain.list(type, selection);
  };
  // Most reads lock nothing: they are passed on without a promise of their own.
  return {
    fetch: (type, id, selection) => (isRelated(selection) ? fetchLocked(type, id, selection) : plain.fetch(type, id, selection)),
    list: (type, selection) => (isRelated(selection) ? listLocked(type, selection) : plain.list(type, selection)),
  };
}

function keysOnly(type: ResourceType, selection: Selection): Selection {
  return { ...selection, fields: [keyOf(type)], embed: false, lock: 'skip_related' };
}
