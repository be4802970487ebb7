import { flagWords, toCaseArms, toCompletionRules, valueFlagWords } from './completion-rules.ts';
import { OUTPUT_FORMATS } from './flags.ts';

/** The completion script for bash. */
export function bashCompletion(): string {
  return `# bash completion of sekisho; load it with: source <(sekisho completion bash)
_sekisho() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} first='' second='' candidates='' word i
  COMPREPLY=()
  # bash splits words at '=': what follows it is a value, perhaps a file.
  case $cur in =) compopt -o default; COMPREPLY=(); return ;; esac
  case $prev in
    =|-c|--config) compopt -o default; return ;;
    -o|--output) COMPREPLY=($(compgen -W '${OUTPUT_FORMATS.join(' ')}' -- "$cur")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valueFlagWords().join('|')}) ((i++)) ;;
      -*) ;;
      *) if [[ -z $first ]]; then first=$word; elif [[ -z $second ]]; then second=$word; fi ;;
    esac
  done
  case "$first $second" in
${toCaseArms(toCompletionRules())}
  esac
  case $cur in -*) candidates='${flagWords().join(' ')}' ;; esac
  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
  [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace
  return 0
}
complete -F _sekisho sekisho
`;
}
