import { toSafeRegExp } from '../lib/safe-regexp.ts';

export type CompiledPattern = { readonly regExp: RegExp } | { readonly problem: string };

/**
 * The regular expression of a schema or policy, in Go's RE2 syntax, searched anywhere in the subject. Beside what `toSafeRegExp` reads: `(?i)` at the start,
 * and Unicode classes (`\pL`, `\p{Greek}`).
 */
export function compilePattern(pattern: string): CompiledPattern {
  const [, caret = '', rest = pattern] = /^(\^?)\(\?i\)([\s\S]*)$/.exec(pattern) ?? [];
  const isInsensitive = rest.length < pattern.length;
  const source = isInsensitive ? caret + rest : pattern;
  const flags = isInsensitive ? 'i' : '';
  const safe = toSafeRegExp(source);
  if ('source' in safe) return { regExp: new RegExp(safe.source, flags) };
  if (!/\\[pP]/.test(source) || /\(\?[=!<]|\\[1-9]/.test(source)) return { problem: safe.problem };
  try {
    return { regExp: new RegExp(source.replace(/\\([pP])(?:([A-Z])|\{(\w+)\})/g, toUnicodeClass), `${flags}u`) };
  } catch {
    return { problem: safe.problem };
  }
}

/** Go writes `\pL` and `\p{Greek}` where JavaScript has `\p{L}` and `\p{Script=Greek}`. */
function toUnicodeClass(_: string, letter: string, category: string | undefined, name = ''): string {
  return `\\${letter}{${category ?? (name.length > 2 ? `Script=${name}` : name)}}`;
}
