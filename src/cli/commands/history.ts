import type { CommandContext } from '../command.ts';
import { parseCommandWords } from '../command-words.ts';
import { toData } from '../to-data.ts';

/** `history`: prints the latest changes, newest first. */
export async function history(context: CommandContext): Promise<number> {
  const { limit = '20', before } = parseCommandWords('history', context);
  const answer = await context.call({ method: 'GET', path: '/api/v1/history', query: { limit, before } });
  await context.print(toData(answer));
  return 0;
}
