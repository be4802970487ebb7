import { usageFailure } from './failure.ts';

/** One value as it was written: `key=text`, `key:=json` (parsed) or `key@=file` (the bytes of the file). */
export type WordValue =
  | { readonly form: 'text'; readonly value: string }
  | { readonly form: 'json'; readonly value: unknown }
  | { readonly form: 'file'; readonly value: Buffer; readonly path: string };

export interface ParsedWords {
  readonly values: ReadonlyMap<string, WordValue>;
  /** Words without an operator, in order. */
  readonly rest: readonly string[];
}

const FORMS = ['file', 'json', 'text'] as const;

/**
 * Reads the words of a command in three passes, as DGate does: all `key@=file`, then all `key:=json`, then all `key=text`.
 * Of the same key the later pass wins, and inside a pass the later word. The first `=` of a word decides its form, so values may hold
 * operators. `key@=` and `key:=` are empty texts. Throws a usage `Failure` with every bad word.
 */
export function parseWords(words: readonly string[], readFile: (path: string) => Buffer): ParsedWords {
  const values = new Map<string, WordValue>();
  const problems: string[] = [];
  const split = words.map(splitWord);
  for (const form of FORMS) {
    for (const [index, word] of split.entries()) {
      if (word?.form !== form) continue;
      if (word.key === '') {
        problems.push(`invalid key-value pair: ${words[index]}`);
        continue;
      }
      const parsed = toValue(form, word.key, word.text, readFile);
      if (typeof parsed === 'string') problems.push(parsed);
      else values.set(word.key, parsed);
    }
  }
  if (problems.length > 0) throw usageFailure(...problems);
  return { values, rest: words.filter((_, index) => !split[index]) };
}

function splitWord(word: string): { readonly form: WordValue['form']; readonly key: string; readonly text: string } | undefined {
  const at = word.indexOf('=');
  if (at < 0) return undefined;
  const text = word.slice(at + 1);
  const operator = word[at - 1];
  if (operator === '@') return { form: 'file', key: word.slice(0, at - 1), text };
  if (operator === ':') return { form: 'json', key: word.slice(0, at - 1), text };
  return { form: 'text', key: word.slice(0, at), text };
}

function toValue(form: WordValue['form'], key: string, text: string, readFile: (path: string) => Buffer): WordValue | string {
  if (form === 'text' || text === '') return { form: 'text', value: text };
  if (form === 'json') {
    try {
      return { form: 'json', value: JSON.parse(text) as unknown };
    } catch (error) {
      return `error parsing values: invalid json for key '${key}': ${(error as Error).message}`;
    }
  }
  try {
    return { form: 'file', value: readFile(text), path: text };
  } catch (error) {
    return `error reading file: ${text} (${key}@=): ${fileProblem(error)}`;
  }
}

function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return message;
}
