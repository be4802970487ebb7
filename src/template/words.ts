import { TemplateError } from './template-error.ts';

/** A word of an expression. */
export interface Word {
  readonly kind: 'name' | 'number' | 'text' | 'sign';
  readonly text: string;
}

const WORD =
  /\s*(?:([A-Za-z_]\w*)|(\d+(?:\.\d+)?)|("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*')|(==|!=|<>|<=|>=|&&|\|\||[<>|:.,()[\]+\-*/%!=^]))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Where a word list stands, for errors. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Reads the words of an expression or a tag, one after the other. */
export interface Words {
  readonly place: Place;
  peek(ahead?: number): Word | undefined;
  next(): Word | undefined;
  /** Takes the next word when it is this sign or name. */
  take(text: string): boolean;
  /** Takes it, or throws. */
  expect(text: string): void;
  name(what: string): string;
  isDone(): boolean;
  fail(detail: string): TemplateError;
}

export function toWords(text: string, place: Place): Words {
  const words = split(text, place);
  let at = 0;
  const fail = (detail: string): TemplateError => new TemplateError(place.file, place.line, detail);
  const isNext = (wanted: string): boolean => {
    const word = words[at];
    return word !== undefined && word.kind !== 'text' && word.text === wanted;
  };
  return {
    place,
    peek: (ahead = 0) => words[at + ahead],
    next: () => words[at++],
    take: (wanted) => isNext(wanted) && ++at > 0,
    expect(wanted) {
      if (!isNext(wanted)) throw fail(`expected '${wanted}', found ${describe(words[at])} in '${text}'`);
      at += 1;
    },
    name(what) {
      const word = words[at];
      if (word?.kind !== 'name') throw fail(`expected ${what}, found ${describe(word)} in '${text}'`);
      at += 1;
      return word.text;
    },
    isDone: () => at >= words.length,
    fail,
  };
}

export function describe(word: Word | undefined): string {
  return word === undefined ? 'the end' : `'${word.text}'`;
}

function split(text: string, { file, line }: Place): readonly Word[] {
  const words: Word[] = [];
  WORD.lastIndex = 0;
  const end = text.trimEnd().length;
  while (WORD.lastIndex < end) {
    const from = WORD.lastIndex;
    const found = WORD.exec(text);
    if (found === null) throw new TemplateError(file, line, `'${text.slice(from).trim()}' can not be read as part of an expression`);
    const [, name, number, quoted, sign] = found;
    if (name !== undefined) words.push({ kind: 'name', text: name });
    else if (number !== undefined) words.push({ kind: 'number', text: number });
    else if (quoted !== undefined) words.push({ kind: 'text', text: unquote(quoted) });
    else words.push({ kind: 'sign', text: sign ?? '' });
  }
  return words;
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(/\\([^])/g, (_, char: string) => ESCAPES[char] ?? char);
}
