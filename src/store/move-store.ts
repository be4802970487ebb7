import type { Document } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { MovableStore } from './movable-store.ts';
import type { HistoryRecord, Store, StoreState } from './types.ts';

/** How much was moved. */
export interface MovedCounts {
  readonly entities: number;
  readonly masked: number;
  readonly documents: number;
  readonly records: number;
  readonly revision: number;
  readonly hash: string;
}

const PAGE = 500;

/** Makes `to` hold what `from` holds. STORE_NOT_EMPTY when it holds something already and may not lose it. */
export async function moveStore(
  from: MovableStore,
  to: MovableStore,
  { mayReplace }: { readonly mayReplace: boolean },
): Promise<MovedCounts> {
  if (!mayReplace) await checkEmpty(to);
  const state = await from.load();
  const history = await readHistory(from, state);
  let documents = 0;
  async function* counted(): AsyncGenerator<Document, void, undefined> {
    for await (const document of from.allDocuments()) {
      documents += 1;
      yield document;
    }
  }
  await to.adopt({ state, history, documents: counted() });
  const { masked, revision, hash } = state;
  return { entities: countEntities(state), masked: masked.length, documents, records: history.length, revision, hash };
}

async function checkEmpty(store: MovableStore): Promise<void> {
  const state = await store.load();
  const entities = countEntities(state);
  let hasDocuments = false;
  for await (const _ of store.allDocuments()) {
    hasDocuments = true;
    break;
  }
  if (state.revision === 0 && entities === 0 && !hasDocuments) return;
  const held = `${entities} entities at revision ${state.revision}${hasDocuments ? ', and documents' : ''}`;
  throw new SekishoError('STORE_NOT_EMPTY', `the target holds ${held}: it would be lost`);
}

async function readHistory(store: Store, { revision }: StoreState): Promise<readonly HistoryRecord[]> {
  const records: HistoryRecord[] = [];
  for (let before = revision + 1; ; ) {
    const page = await store.history({ limit: PAGE, before });
    records.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return records.toReversed();
    before = last.revision;
  }
}

function countEntities({ entities }: StoreState): number {
  return Object.values(entities).reduce((sum, map) => sum + map.size, 0);
}
