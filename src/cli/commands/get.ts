import type { CommandContext } from '../command.ts';
import { parseEntityKey } from '../entity-key.ts';
import type { CliKind } from '../kinds.ts';
import { toData } from '../to-data.ts';

/** `<kind> get`: prints one entity as the server has it. */
export async function get(kind: CliKind, context: CommandContext): Promise<number> {
  const { name, namespace, collection } = parseEntityKey(kind, context);
  const path = `/api/v1/${kind.word}/${encodeURIComponent(name)}`;
  const answer = await context.call({ method: 'GET', path, query: { namespace, collection } });
  await context.print(toData(answer));
  return 0;
}
