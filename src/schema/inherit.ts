import { suggestion } from './check-keys.ts';
import { type Draft, extendDraft } from './draft.ts';

/** Every schema that is not abstract, with its bases merged in, in the order of the files. A base that is missing, not abstract or a base of itself is reported. */
export function inheritAll(drafts: ReadonlyMap<string, Draft>): readonly Draft[] {
  const done = new Map<string, Draft>();
  const under = new Set<string>();
  const resolve = (draft: Draft): Draft => {
    const known = done.get(draft.id);
    if (known !== undefined) return known;
    under.add(draft.id);
    let merged = draft;
    for (const [position, id] of draft.bases.entries()) {
      const base = drafts.get(id);
      const place = draft.cursor.at('extends').at(position);
      if (base === undefined)
        place.report(
          `there is no schema ${id}; ${suggestion(id, abstractIds(drafts))}abstract ones: ${abstractIds(drafts).join(', ') || 'none'}`,
        );
      else if (!base.isAbstract) place.report(`${id} is not abstract; only schemas with \`type: abstract\` can be extended`);
      else if (under.has(id)) place.report(`${draft.id} and ${id} extend one another`);
      else merged = extendDraft(merged, resolve(base));
    }
    for (const [position, id] of draft.ownFirst.entries()) {
      if (!draft.bases.includes(id))
        draft.cursor
          .at('order_properties_before')
          .at(position)
          .report(`${id} is none of the bases in extends: ${draft.bases.join(', ') || 'there are none'}`);
    }
    under.delete(draft.id);
    done.set(draft.id, merged);
    return merged;
  };
  return [...drafts.values()].map(resolve).filter(({ isAbstract }) => !isAbstract);
}

function abstractIds(drafts: ReadonlyMap<string, Draft>): string[] {
  return [...drafts.values()].filter(({ isAbstract }) => isAbstract).map(({ id }) => id);
}
