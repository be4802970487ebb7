import { usageFailure } from './failure.ts';

/** Throws a usage `Failure` when a command that takes no words got some. */
export function rejectWords(words: readonly string[]): void {
  if (words.length > 0) throw usageFailure(`too many words: ${words.join(' ')}`);
}
