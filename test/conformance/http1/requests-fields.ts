import { get, HOST, post, type RequestCase, refused, served } from './request-case.ts';

const withHost = (...lines: readonly string[]): string => `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

const hostOk = (name: string, host: string, rule = '9110 7.2'): RequestCase =>
  served(name, rule, withHost(`Host: ${host}`), { line: 'GET /', host });
const hostBad = (name: string, host: string, rule = '9110 7.2'): RequestCase => refused(name, rule, withHost(`Host: ${host}`));

const HOSTS: readonly RequestCase[] = [
  hostOk('a name', 'example.com'),
  hostOk('a name with a port', 'example.com:8080'),
  hostOk('a name in upper case travels as it came', 'EXAMPLE.com'),
  hostOk('a trailing dot travels as it came', 'example.com.'),
  hostOk('an empty port', 'example.com:', '3986 3.2.3'),
  hostOk('an IPv4 address', '127.0.0.1:80'),
  hostOk('an IPv6 address', '[::1]:80', '3986 3.2.2'),
  hostOk('an underscore in a name', 'a_b.example'),
  served('white space around the host', '9110 5.5', withHost('Host:  \t a \t'), { line: 'GET /' }),
  refused('no Host', '9112 3.2', withHost('X: 1')),
  refused('no field at all', '9112 3.2', 'GET / HTTP/1.1\r\n\r\n'),
  refused('two hosts', 'node accepts it', withHost('Host: a', 'Host: b')),
  refused('the same host twice', '9112 3.2', withHost('Host: a', 'Host: a')),
  refused('two hosts in different case', '9112 3.2', withHost('Host: a', 'HOST: a')),
  refused('two hosts apart', '9112 3.2', withHost('Host: a', 'X: 1', 'host: b')),
  hostBad('an empty host', ''),
  hostBad('a path', 'a/b', 'node accepts it'),
  hostBad('userinfo', 'u@a', 'node accepts it'),
  hostBad('userinfo with a password', 'u:p@a'),
  hostBad('a URL', 'http://a'),
  hostBad('a query', 'a?b'),
  hostBad('a fragment', 'a#b'),
  hostBad('a list', 'a, b'),
  hostBad('a space', 'a b'),
  hostBad('a backslash', 'a\\b'),
  hostBad('percent-encoding', 'a%2eb'),
  hostBad('a port that is no number', 'a:b'),
  hostBad('a port too large', 'a:65536'),
  hostBad('a signed port', 'a:-1'),
  hostBad('two ports', 'a:1:2'),
  hostBad('a port alone', ':80'),
  hostBad('a dot alone', '.'),
  hostBad('IPv6 without brackets', '::1'),
  hostBad('IPv6 with one bracket', '[::1'),
  hostBad('IPv6 with text behind', '[::1]a'),
  hostBad('IPv6 with a zone', '[fe80::1%25eth0]'),
  hostBad('brackets around a name', '[a]'),
  hostBad('an octet beyond ASCII', '\xe9'),
];

const syntax = (name: string, line: string, rule = '9112 5'): RequestCase => refused(name, rule, get(line));
const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `X-${i}: v`);

const SYNTAX: readonly RequestCase[] = [
  served('duplicates stay apart and in order', '9110 5.3', get('X: 1', 'x: 2', 'X: 1'), { line: 'GET /', has: ['X: 1', 'x: 2', 'X: 1'] }),
  served('an empty value', '9110 5.5', get('X:'), { line: 'GET /', has: ['X: '] }),
  served('no white space behind the colon', '9112 5', get('X:1'), { line: 'GET /', has: ['X: 1'] }),
  served('white space around a value', '9110 5.5', get('X: \t1\t '), { line: 'GET /', has: ['X: 1'] }),
  served('a tab within a value', '9110 5.5', get('X: a\tb'), { line: 'GET /', has: ['X: a\tb'] }),
  served('octets beyond ASCII in a value', '9110 5.5', get('X: \xe9\xff'), { line: 'GET /', has: ['X: \xe9\xff'] }),
  served('every token character in a name', '9110 5.1', get("!#$%&'*+-.^`|~9: 1"), { line: 'GET /', has: ["!#$%&'*+-.^`|~9: 1"] }),
  served('colons in a value', '9112 5', get('X: a:b'), { line: 'GET /', has: ['X: a:b'] }),
  syntax('no colon', 'X'),
  syntax('no name', ': x'),
  syntax('a space before the colon', 'X : 1', '9112 5.1'),
  syntax('a tab before the colon', 'X\t: 1', '9112 5.1'),
  syntax('a space within a name', 'X Y: 1'),
  syntax('a parenthesis in a name', 'X(: 1'),
  syntax('an octet beyond ASCII in a name', 'X\xe9: 1'),
  syntax('NUL in a name', 'X\0: 1'),
  syntax('NUL in a value', 'X: a\0b', 'HAProxy forwarded it'),
  syntax('CR in a value', 'X: a\rb'),
  syntax('a control character in a value', 'X: a\x01b'),
  syntax('DEL in a value', 'X: a\x7fb'),
  syntax('a folded line', 'X: a\r\n b', '9112 5.2'),
  syntax('a line folded with a tab', 'X: a\r\n\tb', '9112 5.2'),
  refused('white space before the first field', '9112 2.2', `GET / HTTP/1.1\r\n ${HOST}\r\n`),
  refused('a folded first line', '9112 2.2', `GET / HTTP/1.1\r\n X: 1\r\n${HOST}\r\n`),
  refused('a field line that ends with LF alone', 'LF desync (HTTP Garden)', `GET / HTTP/1.1\r\n${HOST.replace('\r', '')}\r\n`),
  refused('a head that ends with LF alone', 'LF desync (HTTP Garden)', `GET / HTTP/1.1\r\n${HOST}\n`),
  refused('CR CR LF', '9112 2.2', `GET / HTTP/1.1\r\nHost: a\r\r\n\r\n`),
  refused('too many fields', '6585 5', get(...many(128)), 431),
  served('as many fields as allowed', '6585 5', get(...many(127)), { line: 'GET /', has: ['X-126: v'] }),
  refused('a field too large', '6585 5', get(`X: ${'v'.repeat(16_384)}`), 431),
  refused('a field far too large', '6585 5', get(`X: ${'v'.repeat(60_000)}`), 431),
  refused('fields too large together', '6585 5', get(...Array.from({ length: 20 }, (_, i) => `X-${i}: ${'v'.repeat(1000)}`)), 431),
];

const CONNECTION_RULE = '9110 7.6.1, Traefik CVE-2024-45410';
const nominated = (name: string, option: string): RequestCase =>
  refused(`Connection nominates ${name}`, CONNECTION_RULE, get(`Connection: ${option}`));

const HOP_BY_HOP: readonly RequestCase[] = [
  served(
    'hop-by-hop fields stay behind',
    '9110 7.6.1',
    get(
      'Keep-Alive: 1',
      'Proxy-Connection: x',
      'Proxy-Authorization: b',
      'Proxy-Authenticate: c',
      'Trailer: d',
      'Upgrade: e',
      'HTTP2-Settings: f',
      'Z: 1',
    ),
    {
      line: 'GET /',
      has: ['Z: 1'],
      lacks: ['keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'trailer', 'upgrade', 'http2-settings'],
    },
  ),
  served('what Connection nominates stays behind', '9110 7.6.1', get('X-A: 1', 'Connection: x-a, X-B', 'X-B: 2', 'X-C: 3'), {
    line: 'GET /',
    has: ['X-C: 3'],
    lacks: ['x-a', 'x-b'],
  }),
  served('TE trailers goes on', '9110 10.1.4', get('TE: trailers', 'Connection: TE'), { line: 'GET /', has: ['TE: trailers'] }),
  served('any other TE stays behind', '9110 10.1.4', get('TE: gzip;q=1', 'Connection: TE'), { line: 'GET /', lacks: ['te'] }),
  nominated('Content-Length', 'content-length'),
  nominated('Transfer-Encoding', 'close, Transfer-Encoding'),
  nominated('Host', 'HOST'),
  nominated('Authorization', 'keep-alive,authorization'),
  nominated('Cookie', 'cookie'),
  nominated('Content-Type', 'Content-Type'),
  nominated('X-Forwarded-For', 'X-Forwarded-For'),
  nominated('X-Forwarded-Proto', ' x-forwarded-proto '),
  nominated('Forwarded', 'forwarded'),
  nominated('X-Real-IP', 'x-real-ip'),
  nominated('Via', 'via'),
  refused('a second Connection nominates Host', CONNECTION_RULE, get('Connection: close', 'Connection: host')),
  refused('a Connection option that is no token', '9110 7.6.1', get('Connection: a b')),
  served(
    'client-made forwarding fields stay behind',
    'Fastify CVE-2026-3635',
    get('X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Host: evil', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', 'X-Forwarded-Prefix: /evil'),
    {
      line: 'GET /',
      has: ['X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1', 'X-Forwarded-Host: a'],
      lacks: ['forwarded', 'x-forwarded-prefix'],
    },
  ),
  served(
    'underscore twins stay behind',
    'OAuth2-proxy CVE-2025-64484',
    get('X_Forwarded_For: 6.6.6.6', 'X_Real_IP: 6', 'x-forwarded_host: evil', 'my_field: 1'),
    {
      line: 'GET /',
      has: ['my_field: 1'],
      lacks: ['x_forwarded_for', 'x_real_ip', 'x-forwarded_host'],
    },
  ),
  served(
    'an upgrade to another protocol is an ordinary request',
    'h2c smuggling',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    { line: 'GET /', lacks: ['upgrade', 'http2-settings'] },
    { open: false },
  ),
  served('Upgrade without Connection is nothing', '9110 7.8', get('Upgrade: websocket'), { line: 'GET /', lacks: ['upgrade'] }),
  served(
    'an upgrade that the upstream does not want is an ordinary answer',
    'Pingora CVE-2026-2833',
    `${get('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x')}${get()}`,
    { line: 'GET /', has: ['Upgrade: websocket'] },
    { open: false },
  ),
];

const EXPECT: readonly RequestCase[] = [
  served(
    '100-continue',
    '9110 10.1.1',
    `${post('Expect: 100-continue', 'Content-Length: 2')}ok`,
    { line: 'POST /', body: 'ok', lacks: ['expect'] },
    { answers: [100, 200] },
  ),
  served(
    '100-Continue in another case, chunked',
    '9110 10.1.1',
    [post('Expect: 100-Continue', 'Transfer-Encoding: chunked'), '2\r\nok\r\n0\r\n\r\n'],
    { line: 'POST /', body: 'ok', lacks: ['expect'] },
    { answers: [100, 200] },
  ),
  served('100-continue without a body', '9110 10.1.1', get('Expect: 100-continue'), { line: 'GET /', lacks: ['expect'] }),
  served(
    'HTTP/1.0 has no expectations',
    '9110 10.1.1',
    'POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
    { line: 'POST /', body: 'ok', lacks: ['expect'] },
    { open: false },
  ),
  refused('another expectation', '9110 10.1.1', get('Expect: 200-ok'), 417),
  refused('two expectations', '9110 10.1.1', post('Expect: 100-continue', 'Expect: x', 'Content-Length: 2'), 417),
  refused('a list of expectations', '9110 10.1.1', post('Expect: 100-continue, x', 'Content-Length: 2'), 417),
  refused('an empty expectation', '9110 10.1.1', get('Expect:'), 417),
];

/** Host and the other fields. */
export const FIELD_CASES: readonly RequestCase[] = [...HOSTS, ...SYNTAX, ...HOP_BY_HOP, ...EXPECT];
