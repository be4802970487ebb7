import type { CommandContext } from '../command.ts';
import { rejectWords } from '../reject-words.ts';

/** `changelog`: prints count, hash and latest of all changes. */
export async function changelog(context: CommandContext): Promise<number> {
  rejectWords(context.words);
  const answer = await context.call({ method: 'GET', path: '/changelog' });
  await context.print(answer.body);
  return 0;
}
