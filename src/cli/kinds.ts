import type { FieldRule } from '../entity/field-rule.ts';
import { KINDS as ENTITY_KINDS, findKind as findEntityKind, type KindName } from '../entity/kinds.ts';

/** How a field is written on the command line: the entity's type, but `pem` is text that a file gives as text, and `schema` is always JSON. */
export type FieldType = FieldRule['type'] | 'pem' | 'schema';

export interface CliField {
  readonly name: string;
  readonly type: FieldType;
  readonly isRequired: boolean;
  /** Never printed. */
  readonly isSecret: boolean;
  readonly doc: string;
  readonly default?: FieldRule['default'];
  readonly values?: readonly string[];
  /** A word that sets it. */
  readonly example: string;
}

/** What the command line knows of one kind of entity, from the table of kinds. */
export interface CliKind {
  /** The word of the command and of the admin path (`/api/v1/<word>`). */
  readonly word: KindName;
  readonly aliases: readonly string[];
  readonly plural: string;
  readonly doc: string;
  /** The field that names an entity: `id` of documents, else `name`. */
  readonly key: string;
  /** In the order in which they are printed. */
  readonly fields: readonly CliField[];
}

const TYPES: Readonly<Record<string, FieldType>> = { 'domain.cert': 'pem', 'domain.key': 'pem', 'collection.schema': 'schema' };
const EXAMPLES: Readonly<Record<string, string>> = {
  'module.payload': 'payload@=hello.ts',
  'document.data': 'data:={"url":"https://example.com"}',
};

/** The kinds in the order of the help. */
export const KINDS: readonly CliKind[] = (
  ['namespace', 'service', 'module', 'route', 'domain', 'collection', 'document', 'secret'] as const
).map(toCliKind);

/** The paging keys of `document list`. */
export const DOCUMENT_PAGE: readonly CliField[] = [
  toField('limit', { type: 'integer', doc: 'How many.' }),
  toField('offset', { type: 'integer', doc: 'How many to skip.' }),
];

/** The kind of that name, plural or alias. */
export function findKind(word: string): CliKind | undefined {
  const name = findEntityKind(word);
  return name && KINDS.find((kind) => kind.word === name);
}

function toCliKind(word: KindName): CliKind {
  const { doc, plural, aliases, key, fields } = ENTITY_KINDS[word];
  const own = Object.entries(fields).filter(([, rule]) => !rule.isReadOnly);
  return { word, aliases, plural, doc, key, fields: own.map(([name, rule]) => toField(name, rule, word)) };
}

function toField(name: string, rule: FieldRule, kind = ''): CliField {
  const id = `${kind}.${name}`;
  return {
    name,
    type: TYPES[id] ?? rule.type,
    isRequired: rule.required !== undefined,
    isSecret: rule.redact !== undefined,
    doc: rule.doc,
    ...(rule.default !== undefined && { default: rule.default }),
    ...(rule.values && { values: rule.values }),
    example: EXAMPLES[id] ?? `${name}${rule.type === 'json' ? ':=' : '='}${rule.example ?? '…'}`,
  };
}
