import type { CommandContext } from '../command.ts';
import { listFields } from '../entity-key.ts';
import { parseEntityWords } from '../entity-words.ts';
import { flagText } from '../flags.ts';
import type { CliKind } from '../kinds.ts';
import { toData } from '../to-data.ts';

// All keys of a list are texts and numbers.
type ListQuery = Readonly<Record<string, string | number>>;

/** `<kind> list`: prints the entities of a namespace, the documents of a collection. */
export async function list(kind: CliKind, context: CommandContext): Promise<number> {
  const namespace = kind.word === 'namespace' ? undefined : flagText(context.flags, 'namespace');
  const query = parseEntityWords(context.words, { fields: listFields(kind), defaults: { namespace }, cwd: context.io.cwd });
  const answer = await context.call({ method: 'GET', path: `/api/v1/${kind.word}`, query: query as ListQuery });
  await context.print(toData(answer));
  return 0;
}
