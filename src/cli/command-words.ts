import type { CommandContext } from './command.ts';
import { findCommand } from './command-table.ts';
import { parseEntityWords } from './entity-words.ts';

/** The texts of the keys that a command takes, as its row of the table says. Throws a usage `Failure`. */
export function parseCommandWords(command: string, context: CommandContext): Readonly<Record<string, string | undefined>> {
  const keys = findCommand(command)?.keys ?? [];
  const fields = keys.map(({ name, required, help }) => ({
    name,
    type: 'string' as const,
    isRequired: required === true,
    isSecret: false,
    doc: help,
    example: `${name}=…`,
  }));
  // All fields are text, so all values are.
  return parseEntityWords(context.words, { fields, cwd: context.io.cwd }) as Readonly<Record<string, string | undefined>>;
}
