import { TemplateError } from './template-error.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Reads Go's `"quoted"` or `` `raw` `` string at a place: its value and its length in the source. */
export function readString(source: string, at: number): readonly [value: string, length: number] {
  if (source[at] === '`') {
    const end = source.indexOf('`', at + 1);
    if (end < 0) throw new TemplateError(source, at, 'unterminated raw quoted string');
    return [source.slice(at + 1, end), end + 1 - at];
  }
  return readQuoted(source, at, '"', 'unterminated quoted string');
}

/** Reads Go's character constant at a place: the number of its code point, and its length in the source. */
export function readCharacter(source: string, at: number): readonly [value: number, length: number] {
  const [text, length] = readQuoted(source, at, "'", 'unterminated character constant');
  const [point, ...more] = Array.from(text);
  if (point === undefined || more.length > 0) throw new TemplateError(source, at, 'malformed character constant');
  return [point.codePointAt(0) ?? 0, length];
}

function readQuoted(source: string, at: number, quote: string, unterminated: string): readonly [string, number] {
  let text = '';
  let place = at + 1;
  for (;;) {
    const character = source[place];
    if (character === undefined || character === '\n') throw new TemplateError(source, at, unterminated);
    if (character === quote) return [text, place + 1 - at];
    if (character !== '\\') {
      text += character;
      place += 1;
      continue;
    }
    const [value, length] = readEscape(source, place);
    text += value;
    place += length;
  }
}

function readEscape(source: string, at: number): readonly [string, number] {
  const letter = source[at + 1] ?? '';
  const known = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  if (known !== undefined) return [known, 2];
  const coded = /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U(00[01][\da-fA-F]{5})|([0-3][0-7]{2}))/.exec(source.slice(at, at + 10));
  if (coded === null) throw new TemplateError(source, at, `unknown escape sequence \\${letter}`);
  const [all, byte, short, long, octal] = coded;
  const point = octal === undefined ? Number.parseInt(byte ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8);
  if (point > 0x10ffff) throw new TemplateError(source, at, `escape sequence ${all} is no character`);
  return [String.fromCodePoint(point), all.length];
}
