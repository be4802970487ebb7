/** A regular expression of Go's RE2 syntax in JavaScript's, or why it can't be one. */
export type RegExpSource = { readonly source: string } | { readonly problem: string };

const CLASS_ESCAPES = 'dDsSwW';
const PLAIN_ESCAPES = 'bBfnrtv';
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
}; // prettier-ignore

/**
 * Translates a regular expression as DGate's users write it (RE2: no lookaround, no backreferences) to a JavaScript source that needs no flags.
 * Without flags V8 can run it on its linear-time engine, which is what keeps a hostile host or path from stalling the proxy.
 * `lowerCase` folds literals, for subjects that are lower-cased already.
 */
export function toSafeRegExp(pattern: string, options: { readonly lowerCase?: boolean } = {}): RegExpSource {
  const fold = options.lowerCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  let source = '';
  let inClass = false;
  let classStart = 0;
  for (let i = 0; i < pattern.length; i += 1) {
    const rest = pattern.slice(i);
    const char = pattern[i] ?? '';
    if (char === '\\') {
      const escaped = toEscape(rest, inClass, fold);
      if ('problem' in escaped) return escaped;
      source += escaped.source;
      i += escaped.length - 1;
    } else if (inClass) {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(rest);
      const members = posix && posix[1] === '' ? POSIX[posix[2] ?? ''] : undefined;
      if (posix && members === undefined) return { problem: `the class ${posix[0]} is not known` };
      const isFirst = source.length === classStart || (source.length === classStart + 1 && source.endsWith('^'));
      if (char === ']' && !isFirst) inClass = false;
      source += posix ? fold(members ?? '') : char === '[' || (char === ']' && inClass) ? `\\${char}` : fold(char);
      if (posix) i += posix[0].length - 1;
    } else if (char === '(' && rest.startsWith('(?')) {
      const group = /^\(\?(:|P?<([A-Za-z_]\w*)>|i\))/.exec(rest);
      if (!group)
        return {
          problem: `the group ${rest.slice(0, 4)}… is not supported (lookaround and inline flags are not, RE2 has no lookaround either)`,
        };
      if (group[1] === 'i)' && (i > 0 || !options.lowerCase)) return { problem: '(?i) is not supported here' };
      source += group[1] === ':' ? '(?:' : group[1] === 'i)' ? '' : `(?<${group[2]}>`;
      i += group[0].length - 1;
    } else {
      source += fold(char);
      if (char !== '[') continue;
      inClass = true;
      classStart = source.length;
    }
  }
  try {
    new RegExp(source);
  } catch (error) {
    return { problem: error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : 'it does not compile' };
  }
  return { source };
}

type Escape = { readonly source: string; readonly length: number } | { readonly problem: string };

function toEscape(rest: string, inClass: boolean, fold: (text: string) => string): Escape {
  const char = rest[1];
  if (char === undefined) return { problem: 'it ends with a lone backslash' };
  if (CLASS_ESCAPES.includes(char)) return { source: `\\${char}`, length: 2 };
  if (PLAIN_ESCAPES.includes(char))
    return inClass && char === 'B' ? { problem: '\\B can not be in a class' } : { source: `\\${char}`, length: 2 };
  if (char === 'A' && !inClass) return { source: '^', length: 2 };
  if (char === 'z' && !inClass) return { source: '$', length: 2 };
  const hex = /^\\x([0-9A-Fa-f]{2})/.exec(rest);
  if (hex) {
    const folded = fold(String.fromCharCode(Number.parseInt(hex[1] ?? '', 16))).charCodeAt(0);
    return { source: `\\x${folded.toString(16).padStart(2, '0')}`, length: 4 };
  }
  if (/[1-9]/.test(char)) return { problem: `\\${char} is a backreference, which is not supported` };
  if (/[A-Za-z0-9]/.test(char)) return { problem: `\\${char} is not a known escape` };
  return { source: `\\${char}`, length: 2 };
}
