import { checkKeys, suggestion } from './check-keys.ts';
import { type Cursor, describe, isMap } from './cursor.ts';
import { BELONGS_TO_KEYS, MATCH_KEYS, PROPERTY_CONDITION_KEYS } from './schema-keys.ts';

const WORDS = ['is_owner', 'is_domain_owner', 'same_tenancy', 'skip_tenant_domain_check'];
/** Words that speak of a resource and the one that it is attached to. */
const ATTACH_WORDS = ['same_tenancy', 'skip_tenant_domain_check'];
const INNER_WORDS = ['is_owner', 'is_domain_owner', 'same_tenancy'];
const SHAPES = `${WORDS.join(', ')}, {type: belongs_to, …}, {type: property, …}, {match: …}, {and: […]}, {or: […]}`;

/** Reports what is wrong with a list of conditions. */
export function checkConditions(list: Cursor, options: { readonly isAttach: boolean }): void {
  for (const item of list.items()) checkCondition(item, options.isAttach);
}

function checkCondition(cursor: Cursor, isAttach: boolean): void {
  const { value } = cursor;
  if (typeof value === 'string') {
    if (!WORDS.includes(value)) cursor.report(`${describe(value)} is no condition; ${suggestion(value, WORDS)}known: ${SHAPES}`);
    else if (ATTACH_WORDS.includes(value) && !isAttach) cursor.report(`${value} stands only in the target_condition of an attach policy`);
    return;
  }
  if (!isMap(value)) return cursor.report(`expected a condition (${SHAPES}), found ${describe(value)}`);
  if (cursor.has('and') || cursor.has('or')) return checkTree(cursor, isAttach);
  if (cursor.has('match') && !cursor.has('type')) return checkMatch(cursor.at('match'));
  if (value['type'] === 'belongs_to') return checkBelongsTo(cursor);
  if (value['type'] === 'property') return checkPropertyCondition(cursor);
  cursor.report(
    cursor.has('type')
      ? `${describe(value['type'])} is no type of condition; known: belongs_to, property`
      : `expected a condition: ${SHAPES}`,
  );
}

/** `{and: […]}` or `{or: […]}`, with what stands inside. */
function checkTree(cursor: Cursor, isAttach: boolean): void {
  const [key = ''] = Object.keys(cursor.value as object);
  if (Object.keys(cursor.value as object).length > 1) return cursor.report('expected and or or alone in its map');
  const list = cursor.at(key);
  if (!Array.isArray(list.value)) return list.report(`expected a list of conditions, found ${describe(list.value)}`);
  for (const item of list.items()) {
    if (typeof item.value === 'string') {
      if (!INNER_WORDS.includes(item.value))
        item.report(
          `${describe(item.value)} is no condition here; ${suggestion(item.value, INNER_WORDS)}known: ${INNER_WORDS.join(', ')}, {match: …}, {and: […]}, {or: […]}`,
        );
      else if (item.value === 'same_tenancy' && !isAttach)
        item.report('same_tenancy stands only in the target_condition of an attach policy');
    } else if (item.has('match')) checkMatch(item.at('match'));
    else if (item.has('and') || item.has('or')) checkTree(item, isAttach);
    else item.report(`expected ${INNER_WORDS.join(', ')}, {match: …}, {and: […]} or {or: […]}, found ${describe(item.value)}`);
  }
}

function checkMatch(cursor: Cursor): void {
  if (!checkKeys(cursor, MATCH_KEYS, { closed: true, what: 'a match' })) return;
  const value = cursor.at('value');
  if (isMap(value.value) || value.items().some((item) => typeof item.value === 'object' && item.value !== null))
    value.report(`expected a value or a list of values, found ${describe(value.value)}`);
}

function checkBelongsTo(cursor: Cursor): void {
  if (!checkKeys(cursor, BELONGS_TO_KEYS, { closed: true, what: 'belongs_to' })) return;
  if (cursor.has('tenant_id') === cursor.has('tenant_name')) cursor.report('belongs_to needs tenant_id or tenant_name, one of them');
}

function checkPropertyCondition(cursor: Cursor): void {
  if (!checkKeys(cursor, PROPERTY_CONDITION_KEYS, { closed: true, what: 'a property condition' })) return;
  for (const [, rule] of cursor.at('match').entries()) checkRule(rule);
}

/** A value, a list of values, or a map of old values to such rules. */
function checkRule(cursor: Cursor): void {
  if (isMap(cursor.value)) for (const [, next] of cursor.entries()) checkRule(next);
  else if (cursor.items().some((item) => typeof item.value === 'object' && item.value !== null)) cursor.report('expected a list of values');
}
