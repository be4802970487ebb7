import { usageFailure } from '../failure.ts';
import { clientVariable } from './client-env.ts';

const FORMATS = ['json', 'table'] as const;
const VERBOSITIES = [0, 1, 2, 3] as const;

/** How a command of the client prints. */
export interface ClientOptions {
  readonly format: (typeof FORMATS)[number];
  /** 0 nothing, 1 requests, 2 and bodies, 3 and the token. */
  readonly verbosity: number;
  /** Properties that are asked for; empty: all. */
  readonly fields: readonly string[];
}

/** The words behind a command: options in order, and the others. */
export interface ClientWords {
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly words: readonly string[];
  readonly common: ClientOptions;
}

/** The options that every command has, with their help. */
export const COMMON_OPTIONS: readonly (readonly [name: string, value: string, help: string])[] = [
  ['output-format', FORMATS.join('|'), 'how the answer is printed (default table)'],
  ['verbosity', '0-3', '1 prints requests, 2 their bodies too, 3 the token too'],
  ['fields', 'A,B', 'only these properties'],
];

/** Parses `--name value`, `--name=value` and other words. Throws a usage `Failure` for a name without a value. */
export function parseClientWords(argv: readonly string[], env: NodeJS.ProcessEnv): ClientWords {
  const options: (readonly [string, string])[] = [];
  const words: string[] = [];
  const common = new Map<string, string>();
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('--') || word === '--') {
      if (word !== '--') words.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? argv[(at += 1)] : word.slice(equals + 1);
    if (value === undefined) throw usageFailure(`--${name} needs a value: --${name} VALUE`);
    if (COMMON_OPTIONS.some(([known]) => known === name)) common.set(name, value);
    else options.push([name, value]);
  }
  return { options, words, common: toOptions(common, env) };
}

function toOptions(given: ReadonlyMap<string, string>, env: NodeJS.ProcessEnv): ClientOptions {
  const formatText = given.get('output-format') ?? clientVariable(env, 'outputFormat');
  const format = FORMATS.find((known) => known === formatText);
  if (format === undefined) throw usageFailure(`--output-format: found '${formatText}', allowed are ${FORMATS.join(', ')}`);
  const verbosityText = given.get('verbosity') ?? clientVariable(env, 'verbosity');
  const verbosity = VERBOSITIES.find((known) => String(known) === verbosityText);
  if (verbosity === undefined) throw usageFailure(`--verbosity: found '${verbosityText}', allowed are ${VERBOSITIES.join(', ')}`);
  const fields = (given.get('fields') ?? clientVariable(env, 'fields') ?? '').split(',').filter((field) => field !== '');
  return { format, verbosity, fields };
}
