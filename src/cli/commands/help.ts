import { nearest } from '../../lib/nearest.ts';
import type { CommandContext } from '../command.ts';
import { COMMANDS, findCommand, findVerb } from '../command-table.ts';
import { usageFailure } from '../failure.ts';
import { commandHelp, generalHelp, kindHelp, verbHelp } from '../help.ts';
import { findKind, KINDS } from '../kinds.ts';

/** `help [COMMAND]`: prints general help, or that of a command, a kind of entity or one of its verbs. */
export async function help(context: CommandContext): Promise<number> {
  context.io.out(toHelp(context.words));
  return 0;
}

function toHelp(words: readonly string[]): string {
  const [word, verbWord] = words;
  if (word === undefined) return generalHelp();
  const kind = findKind(word);
  const verb = verbWord === undefined ? undefined : findVerb(verbWord);
  if (kind) return verb ? verbHelp(kind, verb) : kindHelp(kind);
  const command = findCommand(word);
  if (command) return commandHelp(command);
  const meant = nearest(word, [...COMMANDS.map(({ name }) => name), ...KINDS.map((known) => known.word)]);
  throw usageFailure(`no help for '${word}'${meant ? `; did you mean ${meant}?` : ''}`);
}
