import { nearest } from '../lib/nearest.ts';
import type { AdminServer } from './admin-call.ts';
import { callAdmin } from './admin-call.ts';
import { toAdminServer } from './admin-server.ts';
import type { CommandContext } from './command.ts';
import { COMMANDS, findCommand, findVerb, VERBS } from './command-table.ts';
import { Failure, usageFailure } from './failure.ts';
import { type CommandLine, FLAGS, type FlagSpec, type OutputFormat, parseFlags } from './flags.ts';
import { commandHelp, generalHelp, kindHelp, verbHelp } from './help.ts';
import type { CliIo } from './io.ts';
import { type CliKind, findKind, KINDS } from './kinds.ts';

/** Runs one command line (without the program's name). Resolves to the exit code: 0, 1 (the server said no) or 2 (usage). Never rejects. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(parseLine(argv, io), io);
  } catch (error) {
    const isExpected = error instanceof Failure;
    io.err(
      isExpected ? `${error.message}\n` : `sekisho: a bug in the command line: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return isExpected ? error.exit : 1;
  }
}

/** A command with flags of its own has to be the first word. */
function parseLine(argv: readonly string[], io: CliIo): CommandLine {
  const [word = '', ...rest] = argv;
  if (findCommand(word)?.hasOwnFlags !== true) return parseFlags(argv, io.env, (first) => findCommand(first)?.name ?? first);
  if (rest[0] === '--help' || rest[0] === '-h') return parseFlags([word, '--help'], io.env);
  return { words: argv, flags: parseFlags([], io.env).flags, given: new Set() };
}

/** Commands whose output has a version of its own. */
const VERSIONED = ['openapi', 'template'];

async function dispatch(line: CommandLine, io: CliIo): Promise<number> {
  const [first, ...rest] = line.words;
  // Gohan's documents have their version from it.
  if (line.flags.version && VERSIONED.includes(findCommand(first ?? '')?.name ?? ''))
    throw usageFailure('--version tells that of sekisho; the version of the API in the document is --api-version TEXT');
  const command = line.flags.version ? 'version' : (first ?? 'help');
  const kind = findKind(command);
  if (kind) return await dispatchEntity(kind, rest, line, io);
  const spec = findCommand(command);
  if (!spec) throw unknownCommand(command);
  if (line.flags.help) return print(io, first === undefined ? generalHelp() : commandHelp(spec));
  checkFlags(line, spec.name);
  const run = await spec.load();
  return await run(toContext(rest, line, io));
}

async function dispatchEntity(kind: CliKind, words: readonly string[], line: CommandLine, io: CliIo): Promise<number> {
  const [word, ...rest] = words;
  if (word === undefined || word === 'help' || word === 'h') return print(io, kindHelp(kind));
  const verb = findVerb(word);
  if (!verb) {
    const meant = nearest(
      word,
      VERBS.flatMap((known) => [known.name, known.alias]),
    );
    throw usageFailure(
      `unknown command '${kind.word} ${word}'${meant ? `; did you mean ${kind.word} ${meant}?` : ''}`,
      `known: ${VERBS.map((known) => `${known.name}|${known.alias}`).join(', ')}`,
    );
  }
  if (line.flags.help) return print(io, verbHelp(kind, verb));
  checkFlags(line, `${kind.word} ${verb.name}`);
  const run = await verb.load();
  return await run(kind, toContext(rest, line, io));
}

function toContext(words: readonly string[], line: CommandLine, io: CliIo): CommandContext {
  let server: Promise<AdminServer> | undefined;
  return {
    words,
    flags: line.flags,
    given: line.given,
    io,
    call: async (request) => {
      server ??= toAdminServer(line.flags, io);
      return await callAdmin(await server, request);
    },
    print: async (value, fallback = 'json') => {
      const { toOutput } = await import('./output.ts');
      io.out(await toOutput(value, (line.flags.output as OutputFormat | undefined) ?? fallback));
    },
  };
}

/** A flag that a command would ignore is refused: the user meant something by it. */
function checkFlags(line: CommandLine, command: string): void {
  const specs: readonly FlagSpec[] = FLAGS;
  for (const { name, only } of specs) {
    if (only && line.given.has(name as never) && !only.includes(command))
      throw usageFailure(`--${name} is a flag of ${only.join(', ').replace(/, ([^,]*)$/, ' and $1')}, not of ${command}`);
  }
}

function unknownCommand(word: string): Failure {
  const words = [
    ...COMMANDS.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])]),
    ...KINDS.flatMap((kind) => [kind.word, kind.plural, ...kind.aliases]),
  ];
  const meant = nearest(word, words);
  const singular = KINDS.find((kind) => kind.plural === meant)?.word ?? meant;
  return usageFailure(`unknown command '${word}'${singular ? `; did you mean ${singular}?` : ''}`, "'sekisho help' lists the commands");
}

function print(io: CliIo, text: string): number {
  io.out(text);
  return 0;
}
