import { CHUNKED, get, HOST, post, type RequestCase, refused, served } from './request-case.ts';

const CL = 'desync: Content-Length';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n';
const TE = 'desync: Transfer-Encoding';

const LENGTH: readonly RequestCase[] = [
  served('a body', '9112 6.3', `${post('Content-Length: 5')}hello`, {
    line: 'POST /',
    body: 'hello',
    has: ['Content-Length: 5'],
    lacks: ['transfer-encoding'],
  }),
  served('an empty body', '9112 6.3', post('Content-Length: 0'), { line: 'POST /', has: ['Content-Length: 0'] }),
  served('POST without a length has no body', '9112 6.3', post(), { line: 'POST /', lacks: ['transfer-encoding'] }),
  served('leading zeros', '9110 8.6', `${post('Content-Length: 0005')}hello`, {
    line: 'POST /',
    body: 'hello',
    has: ['Content-Length: 5'],
  }),
  served('the body in another write', '9112 6.3', [post('Content-Length: 5'), 'he', 'llo'], { line: 'POST /', body: 'hello' }),
  served('a body with GET', '9110 9.3.1', `${get('Content-Length: 3')}abc`, { line: 'GET /', body: 'abc', has: ['Content-Length: 3'] }),
  served('a body with DELETE', '9110 9.3.5', `DELETE / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`, { line: 'DELETE /', body: 'abc' }),
  served('a body with HEAD', '9110 9.3.2', `HEAD / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`, { line: 'HEAD /', body: 'abc' }),
  served('a body that looks like a request', CL, `${post(`Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`, {
    line: 'POST /',
    body: SMUGGLED,
  }),
  {
    name: 'a body that ends within what looks like a request',
    rule: CL,
    bytes: `${post('Content-Length: 5')}${SMUGGLED}`,
    answers: [200, 400],
    open: false,
    upstream: [{ line: 'POST /', body: SMUGGLED.slice(0, 5) }],
  },
  served('a field named in upper case', '9110 5.1', `${post('CONTENT-LENGTH: 2')}ok`, { line: 'POST /', body: 'ok' }),
  served('white space around the length', '9110 5.5', `${post('Content-Length: \t 2 \t')}ok`, { line: 'POST /', body: 'ok' }),
  refused('Content-Length twice, equal', CL, `${post('Content-Length: 5', 'Content-Length: 5')}hello`),
  refused('Content-Length twice, different', CL, `${post('Content-Length: 5', 'Content-Length: 6')}hello!`),
  refused('Content-Length twice, in different case', CL, `${post('Content-Length: 5', 'content-length: 5')}hello`),
  refused('a list of lengths', CL, `${post('Content-Length: 5, 5')}hello`),
  refused('an empty length', 'HAProxy CVE-2023-40225', `${post('Content-Length:')}hello`),
  refused('a signed length', CL, `${post('Content-Length: +5')}hello`),
  refused('a negative length', CL, `${post('Content-Length: -5')}hello`),
  refused('a hexadecimal length', CL, `${post('Content-Length: 0x5')}hello`),
  refused('a length with a point', CL, `${post('Content-Length: 5.0')}hello`),
  refused('a length with an exponent', CL, `${post('Content-Length: 5e0')}hello`),
  refused('a length with a space in it', CL, `${post('Content-Length: 1 5')}hello`),
  refused('a length with an underscore', CL, `${post('Content-Length: 1_0')}hello`),
  refused('a length with a letter', CL, `${post('Content-Length: 5a')}hello`),
  refused('a length in quotes', CL, `${post('Content-Length: "5"')}hello`),
  refused('a length that overflows 64 bits', CL, `${post('Content-Length: 18446744073709551621')}hello`),
  refused('a length beyond exact numbers', CL, `${post('Content-Length: 9007199254740993')}hello`),
  refused('a space before the colon', 'node CVE-2024-27982', `${post('Content-Length : 5')}hello`),
  refused('a length in a folded line', '9112 5.2', `${post('Content-Length:\r\n 5')}hello`),
  served('Content_Length is no length', 'underscore twins', post('Content_Length: 5'), {
    line: 'POST /',
    lacks: ['content_length', 'content-length: 5'],
  }),
];

const CODING: readonly RequestCase[] = [
  served('chunked', '9112 7.1', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, {
    line: 'POST /',
    body: 'hello',
    has: ['Transfer-Encoding: chunked'],
    lacks: ['content-length'],
  }),
  served('Chunked in another case', '9112 7', `${post('transfer-encoding: CHUNKED')}2\r\nok\r\n0\r\n\r\n`, { line: 'POST /', body: 'ok' }),
  served('chunked with GET', '9110 9.3.1', `${get('Transfer-Encoding: chunked')}2\r\nok\r\n0\r\n\r\n`, { line: 'GET /', body: 'ok' }),
  refused('with Content-Length', TE, `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`),
  refused('with Content-Length behind it', TE, `${post('Transfer-Encoding: chunked', 'Content-Length: 6')}0\r\n\r\nG`),
  refused('with Content-Length 0', TE, `${post('Content-Length: 0', 'Transfer-Encoding: chunked')}0\r\n\r\n`),
  refused('twice', 'node CVE-2020-8287', `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`),
  refused('twice, the second unknown', 'node CVE-2020-8287', `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: x')}0\r\n\r\n`),
  refused('twice, the first unknown', 'node CVE-2020-8287', `${post('Transfer-Encoding: x', 'Transfer-Encoding: chunked')}0\r\n\r\n`),
  refused(
    'on HTTP/1.0',
    'Pingora CVE-2026-2835, node accepts it',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  refused('empty', TE, `${post('Transfer-Encoding:')}0\r\n\r\n`),
  refused('a comma in front', 'node accepts it', `${post('Transfer-Encoding: ,chunked')}0\r\n\r\n`),
  refused('a comma behind', TE, `${post('Transfer-Encoding: chunked,')}0\r\n\r\n`),
  refused('chunked twice in the list', TE, `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`),
  refused('gzip, chunked', 'node de-chunks it and loses the coding', `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, 501),
  refused('gzip alone', '9112 6.1', post('Transfer-Encoding: gzip'), 501),
  refused('identity', '9112 7', post('Transfer-Encoding: identity'), 501),
  refused('chunked, identity', TE, `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n`, 501),
  refused('xchunked', TE, `${post('Transfer-Encoding: xchunked')}0\r\n\r\n`, 501),
  refused('chunked with a parameter', TE, `${post('Transfer-Encoding: chunked;a=b')}0\r\n\r\n`, 501),
  refused('chunked in quotes', TE, `${post('Transfer-Encoding: "chunked"')}0\r\n\r\n`, 501),
  refused('a vertical tab before chunked', TE, `${post('Transfer-Encoding: \x0bchunked')}0\r\n\r\n`),
  refused('NUL behind chunked', TE, `${post('Transfer-Encoding: chunked\0')}0\r\n\r\n`),
  refused('a space before the colon', TE, `${post('Transfer-Encoding : chunked')}0\r\n\r\n`),
  refused('in a folded line', '9112 5.2', `${post('Transfer-Encoding:\r\n chunked')}0\r\n\r\n`),
  refused('behind a folded field', '9112 5.2', `${post('X: y\r\n Transfer-Encoding: chunked')}0\r\n\r\n`),
  served('Transfer_Encoding is none', 'underscore twins', post('Transfer_Encoding: chunked'), {
    line: 'POST /',
    lacks: ['transfer_encoding', 'transfer-encoding'],
  }),
  served('Transfer-Encoding within another name', TE, post('X-Transfer-Encoding: chunked'), {
    line: 'POST /',
    has: ['X-Transfer-Encoding: chunked'],
    lacks: ['transfer-encoding'],
  }),
];

const chunks = (name: string, body: string, decoded: string, rule = '9112 7.1'): RequestCase =>
  served(name, rule, CHUNKED + body, { line: 'POST /', body: decoded });
const brokenChunks = (name: string, body: string, rule = '9112 7.1', status = 400): RequestCase =>
  refused(name, rule, CHUNKED + body, status);

const CHUNKS: readonly RequestCase[] = [
  chunks('no data', '0\r\n\r\n', ''),
  chunks('several chunks', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'),
  chunks('hexadecimal sizes in both cases', 'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'),
  chunks('leading zeros', '0003\r\nabc\r\n000\r\n\r\n', 'abc'),
  chunks('an extension', '3;a\r\nabc\r\n0;b\r\n\r\n', 'abc', '9112 7.1.1'),
  chunks('an extension with a value', '3;a=b;c="d"\r\nabc\r\n0\r\n\r\n', 'abc', '9112 7.1.1'),
  chunks('data that looks like a chunk', '7\r\n0\r\n\r\nab\r\n0\r\n\r\n', '0\r\n\r\nab'),
  chunks('trailers are dropped', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n', 'abc', '9110 6.5.1'),
  served('every byte in its own write', '9112 7.1', `${CHUNKED}3\r\nabc\r\n0\r\n\r\n`.split(/(?<=.)/s), { line: 'POST /', body: 'abc' }),
  brokenChunks('a size that is no number', 'x\r\nabc\r\n0\r\n\r\n'),
  brokenChunks('no size', '\r\nabc\r\n0\r\n\r\n'),
  brokenChunks('a size with 0x', '0x3\r\nabc\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a signed size', '+3\r\nabc\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a negative size', '-1\r\nabc\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a size with an underscore', '1_0\r\n0123456789abcdef\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a space before the size', ' 3\r\nabc\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a space behind the size', '3 \r\nabc\r\n0\r\n\r\n', 'nginx accepts it'),
  brokenChunks('a size that overflows', '10000000000000003\r\nabc\r\n0\r\n\r\n', 'desync: chunk size'),
  brokenChunks('a size line that ends with LF alone', '3\nabc\r\n0\r\n\r\n', 'LF desync (HTTP Garden)'),
  brokenChunks('data that ends with LF alone', '3\r\nabc\n0\r\n\r\n', 'LF desync (HTTP Garden)'),
  brokenChunks('more data than its size', '3\r\nabcd\r\n0\r\n\r\n'),
  brokenChunks('less data than its size', '5\r\nabc\r\n0\r\n\r\n'),
  brokenChunks('CR and another character behind the data', '3\r\nabc\rX0\r\n\r\n', 'HTTP Garden 31'),
  brokenChunks('CR alone behind the size', '3\rabc\r\n0\r\n\r\n', 'HTTP Garden 30'),
  brokenChunks('LF in an extension', '3;a\nabc\r\n0\r\n\r\n', 'desync: chunk extension'),
  brokenChunks('CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n', 'desync: chunk extension'),
  brokenChunks('NUL in an extension', '3;a\0\r\nabc\r\n0\r\n\r\n', 'desync: chunk extension'),
  brokenChunks('extensions without end', `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`, 'node CVE-2024-22019', 413),
  brokenChunks('a trailer without a colon', '0\r\nbroken\r\n\r\n', '9112 7.1.2'),
  brokenChunks('a space before the colon of a trailer', '0\r\nX : 1\r\n\r\n', '9112 7.1.2'),
  brokenChunks('Content-Length as a trailer', '3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n', '9110 6.5.1'),
  brokenChunks('Transfer-Encoding as a trailer', '3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n', '9110 6.5.1'),
  {
    name: 'a request behind the last chunk',
    rule: '9112 7.1',
    bytes: `${CHUNKED}0\r\n\r\n${get()}`,
    answers: [200, 200],
    open: true,
    upstream: [{ line: 'POST /' }, { line: 'GET /' }],
  },
];

/** How bodies are delimited. */
export const FRAMING_CASES: readonly RequestCase[] = [...LENGTH, ...CODING, ...CHUNKS];
