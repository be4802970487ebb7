import { suggestion } from './check-keys.ts';
import { type Cursor, textAt } from './cursor.ts';
import type { Draft } from './draft.ts';
import { syncKeyProblem } from './sync-key.ts';
import type { ResourceType } from './types.ts';

/** Reports what is wrong between schemas: parents and groups that are missing, columns that are not there, names that clash. Relations may lead nowhere. */
export function checkSet(drafts: ReadonlyMap<string, Draft>, resources: readonly Draft[], groups: ReadonlyMap<string, unknown>): void {
  for (const draft of resources) {
    checkParent(draft, drafts);
    if (draft.group !== '' && !groups.has(draft.group))
      draft.cursor
        .at('namespace')
        .report(
          `there is no namespace ${draft.group}; ${suggestion(draft.group, groups.keys())}known: ${[...groups.keys()].join(', ') || 'none'}`,
        );
    if (!draft.properties.has('id'))
      draft.cursor.at('schema').report(`the schema ${draft.id} has no property id, neither its own nor of a base`);
    const schema = draft.cursor.at('schema');
    const names = [...draft.properties.keys(), ...(draft.parent === '' ? [] : [`${draft.parent}_id`])];
    const check = (list: string, found: readonly string[]): void =>
      found.forEach((name) => {
        if (!names.includes(name))
          schema.at(list).report(`${name} is no property of ${draft.id}; ${suggestion(name, names)}it has: ${names.join(', ')}`);
      });
    check('required', draft.required);
    for (const { cursor } of draft.indexes.values()) {
      for (const column of cursor.at('columns').items()) {
        if (typeof column.value === 'string' && !names.includes(column.value))
          column.report(`${column.value} is no property of ${draft.id}; ${suggestion(column.value, names)}it has: ${names.join(', ')}`);
      }
    }
    checkRelations(draft, drafts);
    checkSync(draft, drafts, names);
  }
}

function checkParent(draft: Draft, drafts: ReadonlyMap<string, Draft>): void {
  if (draft.parent === '') return;
  const place = draft.cursor.at('parent');
  const known = [...drafts.values()].filter(({ isAbstract }) => !isAbstract).map(({ id }) => id);
  const parent = drafts.get(draft.parent);
  if (parent === undefined)
    return place.report(`there is no schema ${draft.parent}; ${suggestion(draft.parent, known)}a parent is the id of a schema`);
  if (parent.isAbstract) return place.report(`${draft.parent} is abstract, it has no resources that could be parents`);
  const seen = new Set([draft.id]);
  for (let at: Draft | undefined = parent; at !== undefined; at = drafts.get(at.parent)) {
    if (seen.has(at.id)) return place.report(`${draft.id} would be its own ancestor`);
    seen.add(at.id);
  }
}

function checkRelations(draft: Draft, drafts: ReadonlyMap<string, Draft>): void {
  const embedded = new Set<string>();
  for (const [, cursor] of draft.properties) {
    const column = textAt(cursor, 'relation_column');
    const target = drafts.get(textAt(cursor, 'relation'));
    if (column !== '' && target !== undefined && !target.properties.has(column))
      cursor
        .at('relation_column')
        .report(
          `${column} is no property of ${target.id}; ${suggestion(column, target.properties.keys())}it has: ${[...target.properties.keys()].join(', ')}`,
        );
    const name = textAt(cursor, 'relation_property');
    if (name === '' || textAt(cursor, 'relation') === '') continue;
    if (embedded.has(name) || draft.properties.has(name))
      cursor.at('relation_property').report(`${name} is the name of another property of ${draft.id}`);
    embedded.add(name);
  }
}

/** Reports keys and values in etcd that cannot be made. */
function checkSync(draft: Draft, drafts: ReadonlyMap<string, Draft>, names: readonly string[]): void {
  const { nosync, sync_key_template: template, sync_property: property } = draft.metadata;
  if (nosync === true) return;
  const report = (key: string, problem: string): void => metadataOf(draft, drafts, key).report(`${key} of ${draft.id} ${problem}`);
  const problem = typeof template === 'string' && template !== '' ? syncKeyProblem(template, names) : undefined;
  if (problem !== undefined) report('sync_key_template', problem);
  if (typeof property === 'string' && property !== '' && !names.includes(property))
    report('sync_property', `is no property of it: ${property}; ${suggestion(property, names)}it has: ${names.join(', ')}`);
}

/** Where a key of the metadata stands: in the schema itself or in the base that gives it. */
function metadataOf(draft: Draft, drafts: ReadonlyMap<string, Draft>, key: string): Cursor {
  const seen = new Set<string>();
  const find = ({ id, cursor, bases }: Draft): Cursor | undefined => {
    seen.add(id);
    if (cursor.at('metadata').has(key)) return cursor.at('metadata').at(key);
    const next = bases.flatMap((base) => drafts.get(base) ?? []).filter((base) => !seen.has(base.id));
    return next.map(find).find((found) => found !== undefined);
  };
  return find(draft) ?? draft.cursor.at('metadata');
}

/** Reports tables, URLs and actions that two schemas would share. */
export function checkClashes(types: readonly ResourceType[], drafts: ReadonlyMap<string, Draft>): void {
  const taken = new Map<string, string>();
  for (const type of types) {
    const claim = (key: string, what: string): void => {
      const owner = taken.get(key);
      if (owner === undefined) taken.set(key, type.id);
      else drafts.get(type.id)?.cursor.report(`${what} is that of the schema ${owner} already`);
    };
    claim(`table ${type.table.toLowerCase()}`, `the table ${type.table}`);
    claim(`url ${type.url}`, `the URL ${type.url}`);
  }
}
