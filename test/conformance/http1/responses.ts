/**
 * What upstreams may answer, and what the client of the gateway must get: the exact bytes that the upstream writes, the exact outcome, and whether the
 * connection to the upstream may carry another request. Nothing here depends on how the gateway is built.
 */
export interface ResponseCase {
  readonly name: string;
  /** The rule: a section of RFC 9110 or 9112, or the incident that it is about. */
  readonly rule: string;
  readonly method?: 'GET' | 'HEAD';
  /** Latin1 text that the upstream writes when it has the request; several parts are several writes in several turns of the loop. */
  readonly bytes: string | readonly string[];
  /** Written when the client has got the head: so the fault comes when it is too late for another answer. */
  readonly rest?: string;
  /** The upstream closes behind the last byte. */
  readonly closes?: true;
  readonly outcome: Outcome;
  /** The connection to the upstream carries the next request (true) or is closed by the gateway (false). */
  readonly reusable: boolean;
}

export type Outcome =
  | {
      /** A complete answer. */
      readonly status: number;
      readonly body: string;
      readonly informs?: readonly number[];
      /** Fields that must be there, once each per entry, lower-case name and value. */
      readonly has?: readonly (readonly [string, string])[];
      readonly lacks?: readonly string[];
    }
  /** The client sees status and beginning, and then that the body is not whole. */
  | { readonly status: number; readonly brokenAfter: string }
  /** A 502 of the gateway with this code; no byte of the upstream. */
  | { readonly refused: 'UPSTREAM_INVALID' | 'UPSTREAM_RESET' };

type Complete = Extract<Outcome, { body: string }>;

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** An answer that arrives whole. */
function whole(
  name: string,
  rule: string,
  bytes: string | readonly string[],
  body: string,
  more: Partial<ResponseCase> & { also?: Partial<Complete> } = {},
): ResponseCase {
  const { also, ...rest } = more;
  return { name, rule, bytes, outcome: { status: 200, body, ...also }, reusable: true, ...rest };
}

/** An answer that must not reach the client at all. */
function refused(name: string, rule: string, bytes: string, more: Partial<ResponseCase> = {}): ResponseCase {
  return { name, rule, bytes, outcome: { refused: 'UPSTREAM_INVALID' }, reusable: false, ...more };
}

/** An answer with a good head whose body breaks the rules: it begins with `abc`. */
function broken(name: string, rule: string, rest: string, more: Partial<ResponseCase> = {}): ResponseCase {
  return { name, rule, bytes: `${CHUNKED}3\r\nabc\r\n`, rest, outcome: { status: 200, brokenAfter: 'abc' }, reusable: false, ...more };
}

const withField = (line: string): string => `${OK}${line}\r\nContent-Length: 2\r\n\r\nok`;
const withStatusLine = (line: string): string => `${line}\r\nContent-Length: 2\r\n\r\nok`;

const FRAMING: readonly ResponseCase[] = [
  whole('Content-Length', '9112 6.3', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'),
  whole('Content-Length 0', '9112 6.3', `${OK}Content-Length: 0\r\n\r\n`, ''),
  whole('Content-Length with leading zeros', '9110 8.6', `${OK}Content-Length: 0005\r\n\r\nhello`, 'hello'),
  whole('the same Content-Length twice is one', '9110 8.6', `${OK}Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello`, 'hello', {
    also: { has: [['content-length', '5']] },
  }),
  whole('the body in another write', '9112 6.3', [`${OK}Content-Length: 5\r\n\r\n`, 'he', 'llo'], 'hello'),
  whole('every byte in its own write', '9112 2.2', `${OK}Content-Length: 2\r\n\r\nok`.split(''), 'ok'),
  whole('chunked', '9112 7.1', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, 'hello'),
  whole('chunked, every byte in its own write', '9112 7.1', `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`.split(''), 'abcde'),
  whole('chunked without data', '9112 7.1', `${CHUNKED}0\r\n\r\n`, ''),
  whole('many chunks of one byte', '9112 7.1', `${CHUNKED}${'1\r\nx\r\n'.repeat(1000)}0\r\n\r\n`, 'x'.repeat(1000)),
  whole('hexadecimal sizes in both cases', '9112 7.1', `${CHUNKED}a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n`, '01234567890123456789'),
  whole('chunk size with leading zeros', '9112 7.1', `${CHUNKED}0005\r\nhello\r\n000\r\n\r\n`, 'hello'),
  whole('chunk extensions are dropped', '9112 7.1.1', `${CHUNKED}5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n`, 'hello'),
  whole('data that looks like framing', '9112 7.1', `${CHUNKED}7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`, '0\r\n\r\n\r\n'),
  whole('trailers do not become fields', '9112 7.1.2', `${CHUNKED}2\r\nok\r\n0\r\nX-Sum: 7\r\nContent-Length: 99\r\n\r\n`, 'ok', {
    also: { lacks: ['x-sum', 'content-length'] },
  }),
  whole('name of the coding in capitals', '9112 7', `${OK}Transfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n`, 'ok'),
  whole('until close', '9112 6.3 (8)', `${OK}X-A: 1\r\n\r\nall of it`, 'all of it', { closes: true, reusable: false }),
  whole('until close, in parts', '9112 6.3 (8)', [`${OK}\r\n`, 'all ', 'of it'], 'all of it', { closes: true, reusable: false }),
  whole('until close, nothing comes', '9112 6.3 (8)', `${OK}\r\n`, '', { closes: true, reusable: false }),
  whole('HTTP/1.0 until close', '9112 9.3', 'HTTP/1.0 200 OK\r\n\r\nold', 'old', { closes: true, reusable: false }),
  whole('HTTP/1.0 with a length', '9112 9.3', 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold', 'old', { reusable: false }),
  whole('HTTP/1.0 with keep-alive', '9112 9.3', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nold', 'old'),
  whole('HEAD with Content-Length', '9110 9.3.2', `${OK}Content-Length: 5\r\n\r\n`, '', {
    method: 'HEAD',
    also: { has: [['content-length', '5']] },
  }),
  whole('HEAD with Transfer-Encoding', '9110 9.3.2', CHUNKED, '', { method: 'HEAD' }),
  whole('HEAD without framing', '9110 9.3.2', `${OK}\r\n`, '', { method: 'HEAD' }),
  whole('204', '9110 15.3.5', 'HTTP/1.1 204 No Content\r\n\r\n', '', { also: { status: 204 } }),
  whole('204 with Content-Length 0', '9110 8.6', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', '', {
    also: { status: 204, lacks: ['content-length'] },
  }),
  whole(
    '304 with the length of what it stands for',
    '9110 15.4.5',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
    '',
    { also: { status: 304, has: [['etag', '"a"']] } },
  ),
  whole('304 without length', '9110 15.4.5', 'HTTP/1.1 304 Not Modified\r\n\r\n', '', { also: { status: 304 } }),
  whole('205', '9110 15.3.6', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', '', { also: { status: 205 } }),
  whole('206', '9110 15.3.7', 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok', 'ok', {
    also: { status: 206, has: [['content-range', 'bytes 0-1/9']] },
  }),
];

const HEADS: readonly ResponseCase[] = [
  whole('reason phrase may be empty', '9112 4', withStatusLine('HTTP/1.1 200 '), 'ok'),
  whole('reason phrase with latin1 and tab', '9112 4', withStatusLine('HTTP/1.1 200 caf\u00e9\tau lait'), 'ok'),
  whole('status that nobody has defined', '9110 15', withStatusLine('HTTP/1.1 299 Odd'), 'ok', { also: { status: 299 } }),
  whole('status 599', '9110 15', withStatusLine('HTTP/1.1 599 Odd'), 'ok', { also: { status: 599 } }),
  whole('white space around values', '9112 5.1', withField('X-A: \t 1 \t '), 'ok', { also: { has: [['x-a', '1']] } }),
  whole('no white space before the value', '9112 5.1', withField('X-A:1'), 'ok', { also: { has: [['x-a', '1']] } }),
  whole('empty value', '9110 5.5', withField('X-A:'), 'ok', { also: { has: [['x-a', '']] } }),
  whole('tab and latin1 inside of a value', '9110 5.5', withField('X-A: a\tb\u00ff'), 'ok', { also: { has: [['x-a', 'a\tb\u00ff']] } }),
  whole('colons in values', '9112 5', withField('X-A: b: c:'), 'ok', { also: { has: [['x-a', 'b: c:']] } }),
  whole('every token character in a name', '9110 5.6.2', withField("!#$%&'*+-.^_`|~09aZ: 1"), 'ok', {
    also: { has: [["!#$%&'*+-.^_`|~09az", '1']] },
  }),
  whole('fields that repeat keep their order', '9110 5.3', withField('Set-Cookie: a=1\r\nX-B: 1\r\nSet-Cookie: b=2'), 'ok', {
    also: {
      has: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    },
  }),
  whole('large head', 'limit 65,536', withField(`X-A: ${'a'.repeat(8000)}\r\nX-B: ${'b'.repeat(8000)}`), 'ok', {
    also: { has: [['x-b', 'b'.repeat(8000)]] },
  }),
  whole('Connection: close', '9112 9.6', withField('Connection: close'), 'ok', { reusable: false, also: { lacks: ['x-hop'] } }),
  whole('Connection: CLOSE among others', '9112 9.6', withField('Connection: x-hop, CLOSE\r\nX-Hop: 1'), 'ok', {
    reusable: false,
    also: { lacks: ['x-hop'] },
  }),
  whole('close in a second Connection field', '9112 9.6', withField('Connection: keep-alive\r\nConnection: close'), 'ok', {
    reusable: false,
  }),
  whole('nominated fields are dropped', '9110 7.6.1', withField('X-Hop: 1\r\nConnection: X-HOP\r\nX-Stay: 1'), 'ok', {
    also: { lacks: ['x-hop'], has: [['x-stay', '1']] },
  }),
  whole(
    'Connection cannot take framing or cookies',
    '9110 7.6.1',
    withField('Set-Cookie: a=1\r\nConnection: content-length, set-cookie'),
    'ok',
    {
      also: {
        has: [
          ['set-cookie', 'a=1'],
          ['content-length', '2'],
        ],
      },
    },
  ),
  whole(
    'hop-by-hop fields are dropped',
    '9110 7.6.1',
    withField('Keep-Alive: timeout=60\r\nProxy-Connection: close\r\nProxy-Authenticate: Basic\r\nTrailer: X\r\nUpgrade: h2c\r\nTE: x'),
    'ok',
    {
      also: { lacks: ['keep-alive', 'proxy-connection', 'proxy-authenticate', 'upgrade', 'te'] },
    },
  ),
  whole('100 is swallowed', '9110 15.2.1', `HTTP/1.1 100 Continue\r\n\r\n${withField('X-A: 1')}`, 'ok', { also: { informs: [] } }),
  whole('103 is passed on', '8297', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${withField('X-A: 1')}`, 'ok', {
    also: { informs: [103] },
  }),
  whole(
    '102, 100 and 103 before the answer',
    '9110 15.2',
    ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n', `HTTP/1.1 103 Early Hints\r\n\r\n${withField('X-A: 1')}`],
    'ok',
    { also: { informs: [102, 103] } },
  ),
  whole('eight interim answers', 'limit 8', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(8)}${withField('X-A: 1')}`, 'ok', {
    also: { informs: [103, 103, 103, 103, 103, 103, 103, 103] },
  }),
];

/** Complete answers with bytes behind them: good for this client, never again for another one. */
const POISONED: readonly ResponseCase[] = [
  whole('bytes behind Content-Length', 'response queue poisoning', `${OK}Content-Length: 2\r\n\r\nokEXTRA`, 'ok', { reusable: false }),
  whole('a second answer', 'response queue poisoning', `${withField('X-A: 1')}${withField('X-Evil: 1').replace('ok', 'no')}`, 'ok', {
    reusable: false,
    also: { lacks: ['x-evil'] },
  }),
  whole('CRLF behind the body', '9112 9.2', `${OK}Content-Length: 2\r\n\r\nok\r\n`, 'ok', { reusable: false }),
  whole('bytes behind the last chunk', 'response queue poisoning', `${CHUNKED}2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`, 'ok', {
    reusable: false,
  }),
  whole('a body behind Content-Length 0', 'response queue poisoning', `${OK}Content-Length: 0\r\n\r\nbody`, '', { reusable: false }),
  whole('204 with a body', '9112 6.3 (1)', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody', '', {
    reusable: false,
    also: { status: 204, lacks: ['content-length'] },
  }),
  whole('204 with chunks', '9112 6.1', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '', {
    reusable: false,
    also: { status: 204 },
  }),
  whole('304 with a body', '9112 6.3 (1)', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody', '', {
    reusable: false,
    also: { status: 304 },
  }),
  whole('HEAD with a body', '9112 6.3 (1)', `${OK}Content-Length: 4\r\n\r\nbody`, '', { method: 'HEAD', reusable: false }),
];

const FALSE_FRAMING: readonly ResponseCase[] = [
  refused('Content-Length and Transfer-Encoding', '9112 6.3 (3)', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused('Transfer-Encoding and Content-Length', '9112 6.3 (3)', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`),
  refused('both in the answer to HEAD', '9112 6.3 (3)', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`, { method: 'HEAD' }),
  refused('two lengths', '9112 6.3 (5)', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`),
  ...['5, 5', '5,6', '+5', '-5', '0x5', '5.0', '5 5', '5a', '', '1e1', '00000000000000000005', '99999999999999999999'].map((value) =>
    refused(`Content-Length: ${value === '' ? '(empty)' : value}`, '9110 8.6', `${OK}Content-Length: ${value}\r\n\r\nhello`),
  ),
  ...[
    'gzip, chunked',
    'chunked, chunked',
    'chunked, gzip',
    'identity',
    ', chunked',
    'chunked,',
    'chunked;q=1',
    'xchunked',
    '"chunked"',
    '',
  ].map((value) =>
    refused(`Transfer-Encoding: ${value === '' ? '(empty)' : value}`, '9112 6.1', `${OK}Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`),
  ),
  refused('Transfer-Encoding twice', '9112 6.1', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused('Transfer-Encoding in HTTP/1.0', '9112 6.1', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
];

const FALSE_HEADS: readonly ResponseCase[] = [
  refused('folded line', '9112 5.2', withField('X-A: 1\r\n 2')),
  refused('folded line with a tab', '9112 5.2', withField('X-A: 1\r\n\t2')),
  refused('white space before the first field', '9112 2.2', `${OK} X-A: 1\r\nContent-Length: 2\r\n\r\nok`),
  refused('space before the colon', '9112 5.1', withField('X-A : 1')),
  refused('Transfer-Encoding with space before the colon', '9112 5.1', withField('Transfer-Encoding : chunked')),
  refused('empty name', '9110 5.1', withField(': 1')),
  refused('line without colon', '9112 5', withField('X-A')),
  refused('space in a name', '9110 5.1', withField('X A: 1')),
  refused('latin1 in a name', '9110 5.1', withField('X-\u00e9: 1')),
  refused('NUL in a name', '9110 5.1', withField('X-\0: 1')),
  refused('NUL in a value', '9110 5.5', withField('X-A: a\0b')),
  refused('control character in a value', '9110 5.5', withField('X-A: a\u0001b')),
  refused('DEL in a value', '9110 5.5', withField('X-A: a\u007fb')),
  refused('bare CR in a value', '9112 2.2', withField('X-A: a\rX-B: b')),
  refused('bare LF in a value', '9112 2.2', withField('X-A: a\nX-B: b')),
  refused('LF as the end of a line', '9112 2.2', `${OK}X-A: 1\nContent-Length: 2\r\n\r\nok`),
  refused('LF as the end of every line', '9112 2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'),
  refused('CR CR LF', '9112 2.2', withField('X-A: 1\r')),
  refused('CR in the reason phrase', '9112 4', withStatusLine('HTTP/1.1 200 O\rK')),
  refused('NUL in the reason phrase', '9112 4', withStatusLine('HTTP/1.1 200 O\0K')),
  ...[
    'HTTP/1.1 200',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 099 Low',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1 -20 OK',
  ].map((line) => refused(`status line "${line.replace('\t', '\\t')}"`, '9112 4', withStatusLine(line))),
  ...[
    'HTTP/2.0 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/0.9 200 OK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    ' HTTP/1.1 200 OK',
    '\r\nHTTP/1.1 200 OK',
    'HTTP /1.1 200 OK',
  ].map((line) => refused(`version in "${line.replace('\r\n', '\\r\\n')}"`, '9112 2.3', withStatusLine(line))),
  refused('no HTTP at all', '9112 4', 'SSH-2.0-OpenSSH_9.6\r\n'),
  refused('HTTP/0.9 body', '9112 4', '<html>hello</html>\n', { closes: true }),
  refused('TLS alert', '9112 4', '\u0015\u0003\u0003\0\u0002\u0002P'),
  refused('head over the limit', 'limit 65,536', withField(`X-A: ${'a'.repeat(66_000)}`)),
  refused('head that never ends', 'limit 65,536', `${OK}X-A: ${'a'.repeat(70_000)}`),
  refused('too many fields', 'limit 256', withField(Array.from({ length: 300 }, (_, i) => `X-${i}: 1`).join('\r\n'))),
  refused('nine interim answers', 'limit 8', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9)}${withField('X-A: 1')}`),
  refused('101 that nobody asked for', '9110 7.8', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  refused('interim answer with Content-Length', '9110 15.2', `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${withField('X-A: 1')}`),
  refused(
    'interim answer with Transfer-Encoding',
    '9110 15.2',
    `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n${withField('X-A: 1')}`,
  ),
  refused('interim answer of HTTP/1.0', '9110 15.2', `HTTP/1.0 100 Continue\r\n\r\n${withField('X-A: 1')}`),
];

const CUT_OFF: readonly ResponseCase[] = [
  refused('closed without an answer', '9112 8', '', { closes: true, outcome: { refused: 'UPSTREAM_RESET' } }),
  refused('closed within the status line', '9112 8', 'HTTP/1.1 20', { closes: true, outcome: { refused: 'UPSTREAM_RESET' } }),
  refused('closed within the fields', '9112 8', `${OK}Content-Len`, { closes: true, outcome: { refused: 'UPSTREAM_RESET' } }),
  refused('closed after an interim answer', '9112 8', 'HTTP/1.1 100 Continue\r\n\r\n', {
    closes: true,
    outcome: { refused: 'UPSTREAM_RESET' },
  }),
  broken('closed within Content-Length', '9112 8', '', { bytes: `${OK}Content-Length: 5\r\n\r\nabc`, closes: true }),
  broken('closed within a chunk', '9112 8', '5\r\nab', { closes: true, outcome: { status: 200, brokenAfter: 'abcab' } }),
  broken('closed between chunks', '9112 8', '', { closes: true }),
  broken('closed within a chunk size', '9112 8', '5', { closes: true }),
  broken('closed before the end of the trailers', '9112 8', '0\r\nX-A: 1\r\n', { closes: true }),
  broken('closed after the last chunk without its empty line', '9112 8', '0\r\n', { closes: true }),
  broken('chunk size that is no number', '9112 7.1', 'zz\r\n'),
  broken('empty chunk size', '9112 7.1', '\r\nab\r\n'),
  broken('negative chunk size', '9112 7.1', '-1\r\n'),
  broken('chunk size with 0x', '9112 7.1', '0x2\r\nab\r\n'),
  broken('chunk size with an underscore', '9112 7.1', '1_0\r\n'),
  broken('space before the chunk size', '9112 7.1', ' 2\r\nab\r\n'),
  broken('space behind the chunk size', '9112 7.1', '2 \r\nab\r\n'),
  broken('chunk size that overflows', '9112 7.1', 'ffffffffffffffff\r\nab\r\n'),
  broken('chunk size of 17 digits', '9112 7.1', '00000000000000002\r\nab\r\n'),
  broken('chunk size ended by LF', '9112 7.1', '2\nab\r\n'),
  broken('chunk size ended by CR', '9112 7.1', '2\rab\r\n'),
  broken('chunk data ended by LF', '9112 7.1', '2\r\nab\n0\r\n\r\n', { outcome: { status: 200, brokenAfter: 'abc' } }),
  broken('chunk longer than its size', '9112 7.1', '2\r\nabcd\r\n0\r\n\r\n'),
  broken('chunk shorter than its size', '9112 7.1', '6\r\nab\r\n0\r\n\r\n', { closes: true }),
  broken('control character in a chunk extension', '9112 7.1.1', '2;a\0=b\r\nab\r\n'),
  broken('LF in a chunk extension', '9112 7.1.1', '2;a\nb\r\nab\r\n'),
  broken('endless chunk extension', 'CVE-2024-22019', `2;${'a'.repeat(20_000)}`),
  broken('endless trailers', 'limit 16,384', `0\r\nX-A: ${'a'.repeat(20_000)}`),
  broken('folded trailer', '9112 5.2', '0\r\nX-A: 1\r\n 2\r\n\r\n'),
  broken('trailer with LF', '9112 2.2', '0\r\nX-A: 1\n\n'),
  broken('trailer with a bad name', '9110 5.1', '0\r\nX A: 1\r\n\r\n'),
  broken('trailer with a control character', '9110 5.5', '0\r\nX-A: \u0001\r\n\r\n'),
];

/** The corpus. */
export const RESPONSE_CASES: readonly ResponseCase[] = [...FRAMING, ...HEADS, ...POISONED, ...FALSE_FRAMING, ...FALSE_HEADS, ...CUT_OFF];
