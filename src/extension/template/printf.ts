import { padExponent, sortedEntries, toText, typeName } from './value-text.ts';

interface Flags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const DIRECTIVE = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.)?/gsu;

/** Widths and precisions beyond it are cut: a template is not to fill the memory with blanks. */
const MAX_WIDTH = 10_000;

/** Go's `fmt.Sprintf` for JSON values: verbs `v T t d b o x X c q U e E f F g G s %`, flags, width and precision, `*`; mistakes are told in the text as Go does. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(DIRECTIVE, (_all, letters: string, width?: string, precision?: string, verb?: string) => {
    const number = (part: string | undefined): number | undefined => {
      if (part === undefined) return undefined;
      if (part !== '*') return Math.min(Number(part), MAX_WIDTH);
      const taken = Number(args[used++]);
      return Number.isInteger(taken) ? Math.max(-MAX_WIDTH, Math.min(taken, MAX_WIDTH)) : undefined;
    };
    const asked = number(width);
    const flags: Flags = {
      minus: letters.includes('-') || (asked ?? 0) < 0,
      plus: letters.includes('+'),
      sharp: letters.includes('#'),
      space: letters.includes(' '),
      zero: letters.includes('0'),
      width: asked === undefined ? undefined : Math.abs(asked),
      precision: number(precision),
    };
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    if (used >= args.length) return `%!${verb}(MISSING)`;
    const value = args[used++];
    const done = formatVerb(verb, value, flags) ?? `%!${verb}(${value === null ? '<nil>' : `${typeName(value)}=${toText(value)}`})`;
    return pad(done, flags, typeof value === 'number');
  });
  const extra = args.slice(used).map((value) => (value === null ? '<nil>' : `${typeName(value)}=${toText(value)}`));
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text;
}

function formatVerb(verb: string, value: unknown, flags: Flags): string | undefined {
  if (verb === 'T') return value === null ? '<nil>' : typeName(value);
  if (verb === 'v') return flags.sharp ? goSyntax(value) : signed(toText(value), value, flags);
  // Verbs go to the items of lists and maps.
  if (Array.isArray(value)) return `[${value.map((item) => formatVerb(verb, item, flags) ?? toText(item)).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    const items = sortedEntries(value).map(([key, item]) => `${key}:${formatVerb(verb, item, flags) ?? toText(item)}`);
    return `map[${items.join(' ')}]`;
  }
  if (typeof value === 'string') return formatString(verb, value, flags);
  if (typeof value === 'number') return formatNumber(verb, value, flags);
  return typeof value === 'boolean' && verb === 't' ? String(value) : undefined;
}

function formatString(verb: string, value: string, { precision, sharp }: Flags): string | undefined {
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join('');
  switch (verb) {
    case 's':
      return cut;
    case 'q':
      return sharp && !cut.includes('`') ? `\`${cut}\`` : JSON.stringify(cut);
    case 'x':
      return Buffer.from(cut).toString('hex');
    case 'X':
      return Buffer.from(cut).toString('hex').toUpperCase();
    default:
      return undefined;
  }
}

const RADIX: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 };

function formatNumber(verb: string, value: number, flags: Flags): string | undefined {
  const radix = RADIX[verb];
  if (radix !== undefined) {
    if (!Number.isInteger(value)) return undefined;
    const digits = Math.abs(value)
      .toString(radix)
      .padStart(flags.precision ?? 0, '0');
    const prefix = flags.sharp && radix === 16 ? `0${verb}` : flags.sharp && radix === 8 ? '0' : '';
    const text = `${value < 0 ? '-' : ''}${prefix}${verb === 'X' ? digits.toUpperCase() : digits}`;
    return signed(text, value, flags);
  }
  const isPoint = Number.isInteger(value) && value >= 0 && value <= 0x10ffff;
  switch (verb) {
    case 'f':
    case 'F':
      return signed(value.toFixed(Math.min(flags.precision ?? 6, 100)), value, flags);
    case 'e':
    case 'E': {
      const text = padExponent(value.toExponential(Math.min(flags.precision ?? 6, 100)));
      return signed(verb === 'E' ? text.toUpperCase() : text, value, flags);
    }
    case 'g':
    case 'G':
      return signed(
        flags.precision === undefined ? toText(value) : toText(Number(value.toPrecision(Math.min(Math.max(flags.precision, 1), 100)))),
        value,
        flags,
      );
    case 'c':
      return isPoint ? String.fromCodePoint(value) : undefined;
    case 'q':
      return isPoint ? `'${String.fromCodePoint(value)}'` : undefined;
    case 'U':
      return isPoint ? `U+${value.toString(16).toUpperCase().padStart(4, '0')}` : undefined;
    default:
      return undefined;
  }
}

function signed(text: string, value: unknown, { plus, space }: Flags): string {
  if (typeof value !== 'number' || value < 0) return text;
  return plus ? `+${text}` : space ? ` ${text}` : text;
}

function pad(text: string, { width, minus, zero }: Flags, isNumber: boolean): string {
  if (width === undefined) return text;
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  if (!zero || !isNumber) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

/** `%#v`. */
function goSyntax(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'object' && value !== null)
    return `map[string]interface {}{${sortedEntries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${goSyntax(item)}`)
      .join(', ')}}`;
  return toText(value);
}
