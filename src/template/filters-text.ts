import type { Filters } from './filter.ts';
import { escapeHtml, SafeText, toNumber, toText, type Value } from './values.ts';

type TextFilter = (text: string, argument: Value) => Value;

const on =
  (change: TextFilter) =>
  (value: Value, argument: Value): Value =>
    change(toText(value), argument);

/** Filters of texts, as Django has them. */
export const TEXT_FILTERS: Filters = {
  addslashes: { doc: 'A backslash before quotes.', apply: on((text) => text.replaceAll(/[\\'"]/g, (char) => `\\${char}`)) },
  capfirst: { doc: 'The first letter large.', apply: on((text) => text.charAt(0).toUpperCase() + text.slice(1)) },
  center: { doc: 'In the middle of so many characters.', apply: on((text, width) => pad(text, width, 'both')) },
  cut: { doc: 'Without this text.', apply: on((text, part) => (toText(part) === '' ? text : text.replaceAll(toText(part), ''))) },
  escape: { doc: 'Safe in HTML.', isSafe: true, apply: on(escapeHtml) },
  force_escape: { doc: 'The same.', isSafe: true, apply: on(escapeHtml) },
  e: { doc: 'The same.', isSafe: true, apply: on(escapeHtml) },
  escapejs: {
    doc: 'Safe in JavaScript texts.',
    isSafe: true,
    apply: on((text) => text.replaceAll(/[^\w .,/-]/g, (char) => `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)),
  },
  iriencode: { doc: 'Escaped for a URL.', apply: on(encodeURI) },
  linebreaks: {
    doc: 'Paragraphs and line breaks of HTML.',
    isSafe: true,
    apply: on((text) =>
      text
        .split(/\n{2,}/)
        .map((part) => `<p>${part.replaceAll('\n', '<br />')}</p>`)
        .join('\n\n'),
    ),
  },
  linebreaksbr: { doc: 'Line breaks of HTML.', isSafe: true, apply: on((text) => text.replaceAll('\n', '<br />')) },
  linenumbers: {
    doc: 'Lines with their numbers.',
    apply: on((text) =>
      text
        .split('\n')
        .map((line, index) => `${index + 1}. ${line}`)
        .join('\n'),
    ),
  },
  ljust: { doc: 'Filled up to so many characters.', apply: on((text, width) => pad(text, width, 'end')) },
  lower: { doc: 'Small letters.', apply: on((text) => text.toLowerCase()) },
  removetags: {
    doc: 'Without these tags of HTML: `"b,i"`.',
    apply: on((text, names) => {
      const tags = toText(names)
        .split(/[\s,]+/)
        .filter((name) => /^\w+$/.test(name));
      return tags.length === 0 ? text : text.replaceAll(new RegExp(`</?(?:${tags.join('|')})(?:\\s[^>]*)?/?>`, 'gi'), '');
    }),
  },
  rjust: { doc: 'Filled up in front.', apply: on((text, width) => pad(text, width, 'start')) },
  safe: { doc: '`autoescape` leaves it as it is.', apply: on((text) => new SafeText(text)) },
  slugify: {
    doc: 'Small letters, digits and dashes.',
    apply: on((text) =>
      text
        .normalize('NFKD')
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .toLowerCase()
        .replaceAll(/[-\s]+/g, '-'),
    ),
  },
  snake_to_camel: {
    doc: '`port_group` → `PortGroup`.',
    apply: on((text) => text.replaceAll(/(?:^|_)([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())),
  },
  split: { doc: 'The list of parts between this text.', apply: on((text, by) => text.split(toText(by))) },
  striptags: { doc: 'Without tags of HTML.', apply: on((text) => text.replaceAll(/<[^>]*>/g, '')) },
  title: {
    doc: 'Every Word Large.',
    apply: on((text) =>
      text.toLowerCase().replaceAll(/(^|[^\p{L}'])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
    ),
  },
  truncatechars: { doc: 'At most so many characters, with dots at the end.', apply: on(truncateChars) },
  truncatewords: {
    doc: 'At most so many words.',
    apply: on((text, count) => {
      const words = text.split(/\s+/).filter((word) => word !== '');
      return words.length <= toNumber(count) ? text : `${words.slice(0, toNumber(count)).join(' ')} ...`;
    }),
  },
  upper: { doc: 'Large letters.', apply: on((text) => text.toUpperCase()) },
  urlencode: { doc: 'Escaped as part of a URL.', apply: on(encodeURIComponent) },
  wordcount: { doc: 'How many words.', apply: on((text) => text.split(/\s+/).filter((word) => word !== '').length) },
  wordwrap: {
    doc: 'Lines of so many words.',
    apply: on((text, count) => {
      const words = text.split(/\s+/).filter((word) => word !== '');
      const size = Math.max(1, toNumber(count));
      return Array.from({ length: Math.ceil(words.length / size) }, (_, line) =>
        words.slice(line * size, (line + 1) * size).join(' '),
      ).join('\n');
    }),
  },
};

const MAX_WIDTH = 10_000;

function pad(text: string, argument: Value, side: 'start' | 'end' | 'both'): string {
  const width = Math.min(toNumber(argument), MAX_WIDTH);
  if (side === 'start') return text.padStart(width);
  if (side === 'end') return text.padEnd(width);
  return text.padStart(text.length + Math.floor(Math.max(0, width - text.length) / 2)).padEnd(width);
}

function truncateChars(text: string, argument: Value): string {
  const length = toNumber(argument);
  const chars = Array.from(text);
  if (chars.length <= length) return text;
  return length < 4 ? chars.slice(0, length).join('') : `${chars.slice(0, length - 3).join('')}...`;
}
