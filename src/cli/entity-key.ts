import type { CommandContext } from './command.ts';
import { parseEntityWords } from './entity-words.ts';
import { usageFailure } from './failure.ts';
import { flagText } from './flags.ts';
import { type CliField, type CliKind, DOCUMENT_PAGE } from './kinds.ts';

export interface EntityKey {
  /** The name, or the id of a document; empty only when it was not required. */
  readonly name: string;
  readonly namespace?: string;
  readonly collection?: string;
}

/** Reads which entity the words mean: `name=x` or just `x` (documents: `id`), with `namespace=` and, for documents, `collection=`. */
export function parseEntityKey(kind: CliKind, context: CommandContext, isRequired = true): EntityKey {
  const fields = keyFields(kind).map((field) => (field.name === kind.key ? { ...field, isRequired } : field));
  const namespace = kind.word === 'namespace' ? undefined : flagText(context.flags, 'namespace');
  const values = parseEntityWords(context.words, { fields, positional: kind.key, defaults: { namespace }, cwd: context.io.cwd });
  const text = (name: string): string | undefined => (typeof values[name] === 'string' && values[name] !== '' ? values[name] : undefined);
  const name = text(kind.key) ?? '';
  // Names end in a path: these would mean another one.
  if ((isRequired && name === '') || name === '.' || name === '..') throw usageFailure(`${kind.key}: found '${name}', which is no name`);
  const owner = text('namespace');
  const collection = text('collection');
  return { name, ...(owner !== undefined && { namespace: owner }), ...(collection !== undefined && { collection }) };
}

/** The keys that say which entity is meant. */
export function keyFields(kind: CliKind): readonly CliField[] {
  return kind.fields.filter(({ name }) => name === kind.key || name === 'namespace' || name === 'collection');
}

/** The keys that `list` takes. */
export function listFields(kind: CliKind): readonly CliField[] {
  const owners = keyFields(kind).filter(({ name }) => name !== kind.key);
  return kind.word === 'document' ? [...owners, ...DOCUMENT_PAGE] : owners;
}
