import { COMMANDS, VERBS } from './command-table.ts';
import { FLAGS, type FlagSpec } from './flags.ts';
import { verbFields } from './help.ts';
import { KINDS } from './kinds.ts';

interface Candidate {
  readonly word: string;
  readonly doc: string;
}

/** What may come after some words. `first` and `second` are alternatives for the words before: both empty at the start, `second` empty after one word. */
export interface CompletionRule {
  readonly first: readonly string[];
  readonly second: readonly string[];
  readonly candidates: readonly Candidate[];
}

/** All that the shells complete, from the tables of commands, kinds and their fields. */
export function toCompletionRules(): readonly CompletionRule[] {
  const top: readonly Candidate[] = [
    ...COMMANDS.map((command) => ({ word: command.name, doc: command.summary })),
    ...KINDS.map((kind) => ({ word: kind.word, doc: kind.doc })),
  ];
  const rules: CompletionRule[] = [{ first: [], second: [], candidates: top }];
  for (const command of COMMANDS) {
    const words = (command.words ?? []).map((word) => ({ word, doc: '' }));
    const keys = (command.keys ?? []).map((key) => ({ word: `${key.name}=`, doc: key.help }));
    const topics = command.name === 'help' ? top.filter(({ word }) => word !== 'help') : [];
    const candidates = [...words, ...keys, ...topics];
    if (candidates.length > 0) rules.push({ first: [command.name, ...(command.aliases ?? [])], second: [], candidates });
  }
  for (const kind of KINDS) {
    const first = [kind.word, ...kind.aliases];
    rules.push({ first, second: [], candidates: VERBS.map((verb) => ({ word: verb.name, doc: verb.summary(kind) })) });
    for (const verb of VERBS) {
      const candidates = verbFields(kind, verb).map((field) => ({ word: `${field.name}=`, doc: field.doc }));
      if (candidates.length > 0) rules.push({ first, second: [...new Set([verb.name, verb.alias])], candidates });
    }
  }
  return rules;
}

const SPECS: readonly FlagSpec[] = FLAGS;

/** Every way to write every flag. */
export function flagWords(): readonly string[] {
  return SPECS.flatMap((flag) => [`--${flag.name}`, ...(flag.short ? [`-${flag.short}`] : [])]);
}

/** The ways to write the flags that take a value: the word after one is no command. */
export function valueFlagWords(): readonly string[] {
  return SPECS.filter((flag) => flag.value).flatMap((flag) => [`--${flag.name}`, ...(flag.short ? [`-${flag.short}`] : [])]);
}

/** `case` patterns of a POSIX-like shell over `"$first $second"` with the words as candidates. */
export function toCaseArms(rules: readonly CompletionRule[]): string {
  const arms = rules.map(({ first, second, candidates }) => {
    const heads = first.length === 0 ? [''] : first;
    const tails = second.length === 0 ? [''] : second;
    const patterns = heads.flatMap((head) => tails.map((tail) => `'${head} ${tail}'`));
    return `    ${patterns.join('|')}) candidates='${candidates.map(({ word }) => word).join(' ')}' ;;`;
  });
  return arms.join('\n');
}
