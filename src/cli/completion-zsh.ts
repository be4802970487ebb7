import { flagWords, toCaseArms, toCompletionRules, valueFlagWords } from './completion-rules.ts';
import { OUTPUT_FORMATS } from './flags.ts';

/** The completion script for zsh. */
export function zshCompletion(): string {
  return `#compdef sekisho
# zsh completion of sekisho; load it with: source <(sekisho completion zsh)
_sekisho() {
  local cur=$words[CURRENT] prev=$words[CURRENT-1] first='' second='' candidates='' word i
  case $cur in *=*) compset -P '*='; _files; return ;; esac
  case $prev in
    -c|--config) _files; return ;;
    -o|--output) compadd -- ${OUTPUT_FORMATS.join(' ')}; return ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
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
  if [[ $candidates == *=* ]]; then compadd -S '' -- \${=candidates}; else compadd -- \${=candidates}; fi
}
compdef _sekisho sekisho
`;
}
