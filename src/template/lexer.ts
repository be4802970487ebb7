import { TemplateError } from './template-error.ts';

/** A piece of a template: text, `{{ value }}` or `{% tag %}`, with the line that it begins on. */
export interface Token {
  readonly kind: 'text' | 'value' | 'tag';
  /** Without the braces and the space inside of them. */
  readonly text: string;
  readonly line: number;
}

const CLOSERS: Readonly<Record<string, string>> = { '{{': '}}', '{%': '%}', '{#': '#}' };
const OPENER = /\{[{%#]/g;

/**
 * Splits a template. Notes are left out, `{% verbatim %}` becomes text; a dash inside of the braces (`{%-`, `-}}`) takes the white space on that side away.
 * Throws a TemplateError for braces that nothing closes.
 */
export function toTokens(source: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  const lineAt = createLineCounter(source);
  let at = 0;
  let trimsNext = false;
  const pushText = (end: number, trimsEnd: boolean): void => {
    let text = source.slice(at, end);
    if (trimsNext) text = text.trimStart();
    if (trimsEnd) text = text.trimEnd();
    if (text !== '') tokens.push({ kind: 'text', text, line: lineAt(at) });
  };
  for (;;) {
    OPENER.lastIndex = at;
    const found = OPENER.exec(source);
    if (found === null) break;
    const start = found.index;
    const opener = found[0];
    const closer = CLOSERS[opener] ?? '';
    const line = lineAt(start);
    const end = opener === '{#' ? source.indexOf(closer, start) : closerOf(source, start + 2, closer);
    if (end < 0) throw new TemplateError(file, line, `${opener} is not closed by ${closer}`);
    const inner = source.slice(start + 2, end);
    pushText(start, opener !== '{#' && inner.startsWith('-'));
    trimsNext = opener !== '{#' && inner.endsWith('-') && inner.length > 1;
    at = end + 2;
    if (opener === '{#') continue;
    const text = inner.replace(/^-/, '').replace(/-$/, '').trim();
    if (opener === '{%' && text === 'verbatim') {
      const close = /\{%-?\s*endverbatim\s*-?%\}/g;
      close.lastIndex = at;
      const over = close.exec(source);
      if (over === null) throw new TemplateError(file, line, '{% verbatim %} is not closed by {% endverbatim %}');
      pushText(over.index, false);
      trimsNext = false;
      at = close.lastIndex;
    } else tokens.push({ kind: opener === '{{' ? 'value' : 'tag', text, line });
  }
  pushText(source.length, false);
  return tokens;
}

/** The end of a tag; what looks like it inside of a text in quotes is none. */
function closerOf(source: string, from: number, closer: string): number {
  let quote = '';
  for (let i = from; i < source.length; i += 1) {
    const char = source[i] as string;
    if (quote !== '') {
      if (char === '\\') i += 1;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (source.startsWith(closer, i)) return i;
  }
  // An apostrophe in a tag that is no quote, such as in a comment: the plain end counts.
  return source.indexOf(closer, from);
}

/** Lines are asked for in order. */
function createLineCounter(source: string): (at: number) => number {
  let line = 1;
  let counted = 0;
  return (at) => {
    for (; counted < at; counted += 1) if (source.charCodeAt(counted) === 0x0a) line += 1;
    return line;
  };
}
