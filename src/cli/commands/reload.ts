import type { CommandContext } from '../command.ts';
import { rejectWords } from '../reject-words.ts';
import { toData } from '../to-data.ts';

/** `reload`: prints which keys of the configuration are different, and which of them count from the next start on. */
export async function reload(context: CommandContext): Promise<number> {
  rejectWords(context.words);
  await context.print(toData(await context.call({ method: 'POST', path: '/api/v1/reload' })), 'yaml');
  return 0;
}
