import { type CompletionRule, toCompletionRules } from './completion-rules.ts';
import { FLAGS, type FlagSpec } from './flags.ts';

/** The completion script for fish. */
export function fishCompletion(): string {
  const rules = toCompletionRules();
  const flags: readonly FlagSpec[] = FLAGS;
  return [
    '# fish completion of sekisho; load it with: sekisho completion fish | source',
    'complete -c sekisho -f',
    ...rules.flatMap((rule) => ruleLines(rule, rules)),
    ...flags.map(flagLine),
    '',
  ].join('\n');
}

function ruleLines(rule: CompletionRule, rules: readonly CompletionRule[]): readonly string[] {
  const condition = toCondition(rule, rules);
  return rule.candidates.map(({ word, doc }) => `complete -c sekisho -n '${condition}' -a ${quote(word)} -d ${quote(doc)}`);
}

function toCondition(rule: CompletionRule, rules: readonly CompletionRule[]): string {
  if (rule.first.length === 0) return '__fish_use_subcommand';
  const seen = `__fish_seen_subcommand_from ${rule.first.join(' ')}`;
  if (rule.second.length > 0) return `${seen}; and __fish_seen_subcommand_from ${rule.second.join(' ')}`;
  const after = rules.filter((other) => other.first === rule.first).flatMap((other) => other.second);
  return after.length === 0 ? seen : `${seen}; and not __fish_seen_subcommand_from ${after.join(' ')}`;
}

function flagLine(flag: FlagSpec): string {
  const short = flag.short ? ` -s ${flag.short}` : '';
  const values = flag.allowed ? ` -a ${quote(flag.allowed.join(' '))}` : '';
  const takes = flag.value ? (flag.name === 'config' ? ' -r -F' : ' -x') : '';
  return `complete -c sekisho -l ${flag.name}${short}${takes}${values} -d ${quote(flag.help)}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
