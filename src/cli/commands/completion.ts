import type { CommandContext } from '../command.ts';
import { bashCompletion } from '../completion-bash.ts';
import { fishCompletion } from '../completion-fish.ts';
import { zshCompletion } from '../completion-zsh.ts';
import { usageFailure } from '../failure.ts';

const SHELLS: Readonly<Record<string, () => string>> = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** `completion SHELL`: prints the shell's completion script. */
export async function completion(context: CommandContext): Promise<number> {
  const [shell = '', ...more] = context.words;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (!script || more.length > 0)
    throw usageFailure(`completion: found '${context.words.join(' ')}', allowed is one of ${Object.keys(SHELLS).join(', ')}`);
  context.io.out(script());
  return 0;
}
