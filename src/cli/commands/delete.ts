import type { CommandContext } from '../command.ts';
import { parseEntityKey } from '../entity-key.ts';
import { usageFailure } from '../failure.ts';
import type { CliKind } from '../kinds.ts';
import { waitQuery } from '../wait-query.ts';

/** `<kind> delete`: deletes one entity, or with `--all` every document of a collection. Prints nothing. */
export async function remove(kind: CliKind, context: CommandContext): Promise<number> {
  if (kind.word === 'document') return await removeDocuments(kind, context);
  const { name, namespace } = parseEntityKey(kind, context);
  await context.call({
    method: 'DELETE',
    path: `/api/v1/${kind.word}`,
    query: waitQuery(context.flags),
    body: { name, ...(namespace !== undefined && { namespace }) },
  });
  return 0;
}

async function removeDocuments(kind: CliKind, context: CommandContext): Promise<number> {
  const all = context.flags.all === true;
  const { name, namespace, collection } = parseEntityKey(kind, context, !all);
  if (all && name !== '') throw usageFailure(`--all deletes every document of the collection, but id=${name} names one: give one of them`);
  const path = `/api/v1/document${all ? '' : `/${encodeURIComponent(name)}`}`;
  await context.call({ method: 'DELETE', path, query: { namespace, collection } });
  return 0;
}
