import type { CommandContext } from '../command.ts';
import { Failure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { rejectWords } from '../reject-words.ts';
import { toStartFailure } from '../start-failure.ts';

/** `start`: runs the gateway until a signal ends it. Rejects with a `Failure` when it can't start: exit code 2 when the configuration is at fault. */
export async function start(context: CommandContext): Promise<number> {
  const { words, flags, io } = context;
  rejectWords(words);
  const configPath = flagText(flags, 'config');
  if (configPath === '') throw new Failure(2, '--config needs the path of a file');
  const { runServer } = await import('../../server/main.ts');
  try {
    await runServer({ configPath, env: io.env, cwd: io.cwd });
  } catch (error) {
    throw toStartFailure(error);
  }
  return 0;
}
