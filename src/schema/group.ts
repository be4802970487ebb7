import { checkKeys, suggestion } from './check-keys.ts';
import { type Cursor, textAt } from './cursor.ts';
import { NAMESPACE_KEYS } from './schema-keys.ts';
import type { SchemaGroup } from './types.ts';

/** The schema groups (`namespaces`) with their full prefixes. A parent that is missing or an own child, and an id that is taken, are reported. */
export function toGroups(cursors: readonly Cursor[]): readonly SchemaGroup[] {
  const known = new Map<string, Cursor>();
  for (const cursor of cursors) {
    if (!checkKeys(cursor, NAMESPACE_KEYS, { closed: true, what: 'a namespace' })) continue;
    const id = textAt(cursor, 'id');
    if (known.has(id)) cursor.at('id').report(`there is a namespace ${id} already`);
    else known.set(id, cursor);
  }
  return [...known].map(([id, cursor]) => {
    const parent = textAt(cursor, 'parent');
    if (parent !== '' && !known.has(parent))
      cursor
        .at('parent')
        .report(`there is no namespace ${parent}; ${suggestion(parent, known.keys())}known: ${[...known.keys()].join(', ')}`);
    return { id, parent: parent || undefined, prefix: textAt(cursor, 'prefix'), fullPrefix: `/${prefixes(cursor, known).join('/')}` };
  });
}

/** Its own prefix behind those of its ancestors, without slashes at their ends. */
function prefixes(cursor: Cursor, known: ReadonlyMap<string, Cursor>): string[] {
  const found: string[] = [];
  const seen = new Set<Cursor>();
  let at: Cursor | undefined = cursor;
  while (at !== undefined) {
    if (seen.has(at)) {
      cursor.at('parent').report(`the namespace ${textAt(cursor, 'id')} would be its own ancestor`);
      break;
    }
    seen.add(at);
    found.unshift(textAt(at, 'prefix').replace(/^\/+|\/+$/g, ''));
    at = known.get(textAt(at, 'parent'));
  }
  return found.filter((prefix) => prefix !== '');
}
