/** A part of a YAML text that can be parsed by itself: one top-level key with its value, or some items of the list under it. */
export interface SourcePart {
  readonly key: string;
  /** The lines of the part are items of the list under `key`, not the key with its value. */
  readonly isItems: boolean;
  /** Lines of the whole text before it. */
  readonly lineOffset: number;
  readonly text: string;
}

/** Smaller texts are parsed whole. */
const MIN_LENGTH = 32_768;
const PART_LENGTH = 16_384;
/** What reaches from one part to another: several documents, directives, tabs, anchors and aliases (and things that look so). */
const UNSPLITTABLE = /^(?:---|\.\.\.|%|\t)|(?:^|[\s,[{:-])[&*][^\s]/m;

/**
 * Large YAML texts in parts, in order: the tree that a parser makes is ten times as large as what it stands for, and by parts it need not be there all at once.
 * Undefined when the text is small or is not plainly a map of lists of items.
 */
export function splitSource(text: string): readonly SourcePart[] | undefined {
  if (text.length < MIN_LENGTH || UNSPLITTABLE.test(text)) return undefined;
  const lines = text.split('\n');
  const parts: SourcePart[] = [];
  const keys = new Set<string>();
  for (let line = 0; line < lines.length; ) {
    if (isBlank(lines[line] ?? '')) {
      line += 1;
      continue;
    }
    const [, key, rest] = /^([A-Za-z_]\w*):(.*)$/.exec(lines[line] ?? '') ?? [];
    if (key === undefined || keys.has(key)) return undefined;
    keys.add(key);
    const start = line;
    const hasList = isBlank(rest ?? '') && /^ *- /.test(lines[nextLine(lines, start + 1)] ?? '');
    const end = sectionEnd(lines, start + 1, hasList);
    if (hasList) parts.push(...listParts(key, lines, start + 1, end));
    else parts.push({ key, isItems: false, lineOffset: start, text: lines.slice(start, end).join('\n') });
    line = end;
  }
  return parts;
}

function isBlank(line: string): boolean {
  return /^\s*(?:#.*)?$/.test(line);
}

function nextLine(lines: readonly string[], from: number): number {
  let line = from;
  while (line < lines.length && isBlank(lines[line] ?? '')) line += 1;
  return line;
}

/** The line of the next top-level key: one that is not indented, and no item of a list that is not indented either. */
function sectionEnd(lines: readonly string[], from: number, hasList: boolean): number {
  let line = from;
  while (line < lines.length) {
    const text = lines[line] ?? '';
    if (!isBlank(text) && !text.startsWith(' ') && !(hasList && text.startsWith('- '))) break;
    line += 1;
  }
  return line;
}

/** The items of a list in groups. An item begins where `- ` stands as far left as at the first one: nothing inside of an item can. */
function listParts(key: string, lines: readonly string[], from: number, end: number): SourcePart[] {
  const marker = `${/^ */.exec(lines[nextLine(lines, from)] ?? '')?.[0] ?? ''}- `;
  const parts: SourcePart[] = [];
  let start = from;
  let length = 0;
  const close = (line: number): void => {
    if (line > start) parts.push({ key, isItems: true, lineOffset: start, text: lines.slice(start, line).join('\n') });
    start = line;
    length = 0;
  };
  for (let line = from; line < end; line += 1) {
    const text = lines[line] ?? '';
    if (length > PART_LENGTH && text.startsWith(marker)) close(line);
    length += text.length;
  }
  close(end);
  return parts;
}
