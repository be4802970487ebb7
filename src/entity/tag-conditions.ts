/**
 * What an entity asks of the tags of a node, from its own `tags`:
 *
 *     #tag              the node has the tag
 *     !tag  !name:a,b   it has none of them
 *     ?a,b  ?name:a,b   it has at least one of them; `?` tags of one name (`?a` and `?b`, `?name:a` and `?name:b`) are one list
 *     ?*name:a,b        it has exactly one of them
 *
 * `name:a,b` is short for `name:a` and `name:b`. All other tags are labels without a meaning.
 */
interface TagConditions {
  readonly needed: readonly string[];
  readonly forbidden: readonly string[];
  readonly choices: readonly Choice[];
}

interface Choice {
  readonly tags: readonly string[];
  readonly isOne: boolean;
}

const NONE: TagConditions = { needed: [], forbidden: [], choices: [] };
const CONDITION = /^[#!?]/;
/** Lists of tags belong to entities, which never change: what they mean is found once. */
const known = new WeakMap<readonly string[], TagConditions>();

/** True for a tag that asks something of nodes. */
export function isCondition(tag: string): boolean {
  return CONDITION.test(tag);
}

/** What is wrong with a tag of an entity; undefined when nothing is. */
export function findTagProblem(tag: string): string | undefined {
  if (!isCondition(tag)) return undefined;
  const tags = toTags(tag.replace(/^(\?\*|.)/, ''));
  if (tags.some((one) => one === '' || one.endsWith(':'))) return 'names no tag of a node; write #tag, !tag, ?tag,tag or ?name:value,value';
  return tag.startsWith('#') && tags.length > 1 ? 'asks for one tag; write a # tag for each, or ? for any of them' : undefined;
}

/** Why a node with these tags does not serve an entity; undefined when it does. */
export function findMissingTag(tags: readonly string[] | undefined, nodeTags: readonly string[]): string | undefined {
  const { needed, forbidden, choices } = toConditions(tags);
  const lacks = needed.find((tag) => !nodeTags.includes(tag));
  if (lacks !== undefined) return `it is for nodes with the tag ${lacks}`;
  const has = forbidden.find((tag) => nodeTags.includes(tag));
  if (has !== undefined) return `it is not for nodes with the tag ${has}`;
  for (const { tags: some, isOne } of choices) {
    const count = some.filter((tag) => nodeTags.includes(tag)).length;
    if (count === 0 || (isOne && count > 1))
      return `it is for nodes with ${isOne ? 'exactly' : 'at least'} one of the tags ${some.join(', ')}`;
  }
  return undefined;
}

/** True when no node can have the tags that both ask for. */
export function areExclusive(tags: readonly string[] | undefined, others: readonly string[] | undefined): boolean {
  const [a, b] = [toConditions(tags), toConditions(others)];
  return forbids(a, b) || forbids(b, a);
}

function forbids({ forbidden }: TagConditions, { needed, choices }: TagConditions): boolean {
  return needed.some((tag) => forbidden.includes(tag)) || choices.some((choice) => choice.tags.every((tag) => forbidden.includes(tag)));
}

function toConditions(tags: readonly string[] | undefined): TagConditions {
  if (tags === undefined || !tags.some(isCondition)) return NONE;
  let conditions = known.get(tags);
  if (conditions === undefined) known.set(tags, (conditions = parseConditions(tags)));
  return conditions;
}

function parseConditions(tags: readonly string[]): TagConditions {
  const choices = new Map<string, { readonly tags: string[]; readonly isOne: boolean }>();
  for (const tag of tags.filter((one) => one.startsWith('?'))) {
    const isOne = tag.startsWith('?*');
    const text = tag.slice(isOne ? 2 : 1);
    const key = `${isOne ? '*' : ''}${text.includes(':') ? text.slice(0, text.indexOf(':')) : ''}`;
    const choice = choices.get(key);
    if (choice === undefined) choices.set(key, { tags: toTags(text), isOne });
    else choice.tags.push(...toTags(text));
  }
  return {
    needed: tags.filter((tag) => tag.startsWith('#')).map((tag) => tag.slice(1)),
    forbidden: tags.filter((tag) => tag.startsWith('!')).flatMap((tag) => toTags(tag.slice(1))),
    choices: [...choices.values()],
  };
}

/** `name:a,b` is `name:a` and `name:b`. */
function toTags(text: string): string[] {
  const [, name = '', values = ''] = /^([^:,]*:)?(.*)$/s.exec(text) ?? [];
  return values.split(',').map((value) => name + value.trim());
}
