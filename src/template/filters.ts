import { add } from './expression.ts';
import type { Filters } from './filter.ts';
import { TEXT_FILTERS } from './filters-text.ts';
import { compare, isMap, isTrue, lookup, SafeText, toItems, toNumber, toText, type Value } from './values.ts';

/** The filters that every template has: those of Django and pongo2 that read nothing but their value. */
export const FILTERS: Filters = {
  ...TEXT_FILTERS,
  add: { doc: 'Numbers added, texts and lists put together.', apply: add },
  default: {
    doc: 'This, when the value is empty or not there.',
    acceptsNothing: true,
    apply: (value, other) => (isTrue(value) ? value : other),
  },
  default_if_none: { doc: 'This, when the value is null or not there.', acceptsNothing: true, apply: (value, other) => value ?? other },
  dictsort: { doc: 'Maps in the order of this key.', apply: (value, key) => sortBy(value, key) },
  dictsortreversed: { doc: 'The other way round.', apply: (value, key) => sortBy(value, key).toReversed() },
  divisibleby: { doc: 'Whether nothing is left over.', apply: (value, by) => toNumber(by) !== 0 && toNumber(value) % toNumber(by) === 0 },
  filesizeformat: { doc: 'Bytes for people: `1.5 KB`.', apply: (value) => toSize(toNumber(value)) },
  first: { doc: 'The first item or character.', apply: (value) => toItems(value)[0] },
  float: { doc: 'The number in a text.', apply: toNumber },
  floatformat: { doc: 'Rounded: `2` digits; `-2` only when there are some.', apply: (value, digits) => toFixed(toNumber(value), digits) },
  get_digit: { doc: 'The nth digit from the end.', apply: (value, at) => toDigit(value, toNumber(at)) },
  integer: { doc: 'The whole number in a text.', apply: (value) => Math.trunc(toNumber(value)) },
  join: {
    doc: 'A list as a text, with this between the items.',
    apply: (value, between) => toItems(value).map(toText).join(toText(between)),
  },
  json: { doc: 'As JSON.', isSafe: true, apply: (value) => JSON.stringify(toPlain(value) ?? null, undefined, 2) },
  last: { doc: 'The last item or character.', apply: (value) => toItems(value).at(-1) },
  length: { doc: 'How many items, keys or characters.', acceptsNothing: true, apply: (value) => toItems(value).length },
  length_is: { doc: 'Whether there are so many.', apply: (value, length) => toItems(value).length === toNumber(length) },
  make_list: { doc: 'The list of its characters.', apply: (value) => Array.from(toText(value)) },
  pluralize: { doc: '`s`, or the second of `"y,ies"`, unless the number is 1.', apply: toPlural },
  slice: { doc: 'A part: `"1:3"`.', apply: toSlice },
  stringformat: { doc: '`"%05.1f"`, as in C.', apply: (value, format) => toFormat(value, toText(format)) },
  unordered_list: {
    doc: 'Items of a list in HTML.',
    isSafe: true,
    apply: (value) =>
      toItems(value)
        .map((item) => `<li>${toText(item)}</li>`)
        .join('\n'),
  },
  yesno: { doc: '`"yes,no,maybe"`: the word for true, false, null.', acceptsNothing: true, apply: toYesNo },
};

function toPlain(value: Value): Value {
  return value instanceof SafeText ? value.text : value;
}

function sortBy(value: Value, key: Value): readonly Value[] {
  return toItems(value).toSorted((a, b) => compare(lookup(a, key), lookup(b, key)));
}

function toSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let size = bytes;
  let unit = 0;
  for (; Math.abs(size) >= 1024 && unit < units.length - 1; unit += 1) size /= 1024;
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${units[unit]}`;
}

const MAX_DIGITS = 20;

function toFixed(number: number, argument: Value): string {
  const asked = argument === undefined ? -1 : toNumber(argument);
  const digits = Math.min(Math.abs(asked), MAX_DIGITS);
  return asked < 0 && Number.isInteger(number) ? String(number) : number.toFixed(digits);
}

function toDigit(value: Value, at: number): Value {
  const digit = toText(value).at(-at);
  return at < 1 || digit === undefined || !/\d/.test(digit) ? value : Number(digit);
}

function toPlural(value: Value, argument: Value): string {
  const [one = '', many] = toText(argument ?? 's').split(',');
  const isOne = (Array.isArray(value) || isMap(value) ? toItems(value).length : toNumber(value)) === 1;
  if (many === undefined) return isOne ? '' : one;
  return isOne ? one : many;
}

function toSlice(value: Value, argument: Value): Value {
  const [from = '', to = ''] = toText(argument).split(':');
  const [start, end] = [from === '' ? 0 : toNumber(from), to === '' ? undefined : toNumber(to)];
  return Array.isArray(value) ? value.slice(start, end) : toText(value).slice(start, end);
}

function toYesNo(value: Value, argument: Value): string {
  const [yes = 'yes', no = 'no', maybe = no] = argument === undefined ? ['yes', 'no', 'maybe'] : toText(argument).split(',');
  if (value === undefined || value === null) return maybe;
  return isTrue(value) ? yes : no;
}

/** `%5d`, `%-5s`, `%05.2f`, `%x`, `%%`: what C's printf has that Go and Python share. */
function toFormat(value: Value, format: string): string {
  const whole = format.includes('%') ? format : `%${format}`;
  return whole.replaceAll(
    /%(?:%|([-0+ ]*)(\d{0,4})(?:\.(\d{1,2}))?([sdifxXoqv]))/g,
    (all, flags: string | undefined, width = '', digits?: string, kind = 's') => {
      if (flags === undefined) return all === '%%' ? '%' : all;
      const text = toKind(value, kind, digits);
      const signed = flags.includes('+') && 'dif'.includes(kind) && toNumber(value) >= 0 ? `+${text}` : text;
      if (flags.includes('-')) return signed.padEnd(Number(width));
      return signed.padStart(Number(width), flags.includes('0') && kind !== 's' ? '0' : ' ');
    },
  );
}

function toKind(value: Value, kind: string, digits: string | undefined): string {
  switch (kind) {
    case 'd':
    case 'i':
      return String(Math.trunc(toNumber(value)));
    case 'f':
      return toNumber(value).toFixed(digits === undefined ? 6 : Number(digits));
    case 'x':
      return Math.trunc(toNumber(value)).toString(16);
    case 'X':
      return Math.trunc(toNumber(value)).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(toNumber(value)).toString(8);
    case 'q':
      return JSON.stringify(toText(value));
    default:
      return digits === undefined ? toText(value) : toText(value).slice(0, Number(digits));
  }
}
