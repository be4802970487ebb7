import type { CommandContext } from '../command.ts';

export async function validate(context: CommandContext): Promise<number> {
  return context.words.length;
}
