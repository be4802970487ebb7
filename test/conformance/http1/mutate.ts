/** A seeded source of numbers (mulberry32): the same seed gives the same run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** What parsers disagree about. */
const WORDS: readonly string[] = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '%',
  '%2e',
  '%00',
  '%0d%0a',
  '/',
  '//',
  '/../',
  '?',
  '#',
  '\\',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '\xa0',
  '"',
  '0',
  '-1',
  '+1',
  '0x',
  'ffffffffffffffff',
  '\r\n\r\n',
  '0\r\n\r\n',
  '1\r\nx\r\n',
  'Host: b\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: x\r\n',
  'Connection: close\r\n',
  'Connection: host\r\n',
  'Connection: Upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'X_Forwarded_For: 6.6.6.6\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'GET ',
  'POST ',
  'CONNECT ',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'chunked',
  'http://a/',
  'GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n',
];

/** `text` with one to three random changes; `others` are spliced in now and then. */
export function mutate(text: string, others: readonly string[], random: Random): string {
  let bytes = text;
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left -= 1) bytes = change(bytes, others, random);
  return bytes.slice(0, 40_000);
}

function change(bytes: string, others: readonly string[], random: Random): string {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.below(12));
  const cut = (from: number, until: number, between: string): string => bytes.slice(0, from) + between + bytes.slice(until);
  switch (random.below(9)) {
    case 0:
      return cut(at, at + 1, String.fromCharCode(random.below(256)));
    case 1:
      return cut(at, at, String.fromCharCode(random.below(256)));
    case 2:
      return cut(at, to, '');
    case 3:
      return cut(at, at, bytes.slice(at, to).repeat(1 + random.below(3)));
    case 4:
      return cut(at, at, random.pick(WORDS));
    case 5:
      return cut(at, to, random.pick(WORDS));
    case 6:
      return bytes.slice(0, at) + random.pick(others).slice(random.below(40));
    case 7:
      return moveLine(bytes, random);
    default:
      return cut(at, to, random.below(2) === 0 ? bytes.slice(at, to).toUpperCase() : bytes.slice(at, to).toLowerCase());
  }
}

/** Puts one line somewhere else, where a word of the list of tricky ones may go with it. */
function moveLine(bytes: string, random: Random): string {
  const lines = bytes.split('\r\n');
  const [line = ''] = lines.splice(random.below(lines.length), 1);
  lines.splice(random.below(lines.length + 1), 0, random.below(3) === 0 ? line + random.pick(WORDS) : line);
  return lines.join('\r\n');
}
