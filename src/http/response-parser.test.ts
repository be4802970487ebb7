import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RawHeaders } from './exchange.ts';
import type { ResponseHeadParts } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';

/** Writes down what a parser finds. */
class Recorder implements ResponseSink {
  readonly informs: number[] = [];
  head: ResponseHeadParts | undefined;
  contentLength: number | undefined;
  hasBody: boolean | undefined;
  body = '';
  pieces = 0;
  trailers: RawHeaders | undefined;
  isReusable: boolean | undefined;
  upgrade: { headers: RawHeaders; firstBytes: string } | undefined;
  rule: string | undefined;

  responseInform(status: number): void {
    this.informs.push(status);
  }
  responseHead(head: ResponseHeadParts, contentLength: number | undefined, hasBody: boolean): void {
    Object.assign(this, { head, contentLength, hasBody });
  }
  responseData(chunk: Buffer): void {
    this.body += chunk.toString('latin1');
    this.pieces += 1;
  }
  responseEnd(trailers: RawHeaders, isReusable: boolean): void {
    Object.assign(this, { trailers, isReusable });
  }
  responseUpgrade(headers: RawHeaders, firstBytes: Buffer): void {
    this.upgrade = { headers, firstBytes: firstBytes.toString('latin1') };
  }
  responseInvalid(rule: string): void {
    this.rule = rule;
  }
}

interface Setting {
  readonly method?: string;
  readonly upgrade?: string;
  readonly closes?: boolean;
}

const LIMITS = { maxHeadBytes: 65_536, maxFields: 256 };

/** Feeds the bytes in the given pieces, as one read after another into the same (reused) memory. */
function parse(pieces: readonly string[], { method = 'GET', upgrade, closes }: Setting = {}): Recorder {
  const recorder = new Recorder();
  const parser = new ResponseParser(recorder, LIMITS);
  const memory = Buffer.alloc(70_000);
  parser.expect(method, upgrade);
  for (const piece of pieces) parser.execute(memory.subarray(0, memory.write(piece, 'latin1')));
  memory.fill('?');
  if (closes) parser.eof();
  return recorder;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const SAMPLES: readonly (Setting & { readonly bytes: string })[] = [
  { bytes: `${OK}X-A: 1\r\nContent-Length: 5\r\nX-B:\t2 \r\n\r\nhello` },
  { bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5;x="y"\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\nHost: no\r\n\r\n` },
  { bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 0\r\n\r\n` },
  { bytes: 'HTTP/1.0 200 OK\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nContent-Length: 1\r\n\r\nx' },
  { bytes: `${OK}\r\nuntil the end`, closes: true },
  { bytes: `${OK}Content-Length: 5\r\n\r\n`, method: 'HEAD' },
  { bytes: 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n' },
  { bytes: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n', upgrade: 'websocket' },
];

/** What must not depend on how the bytes were cut. */
function summary(recorder: Recorder): unknown {
  const { pieces: _pieces, ...rest } = recorder;
  return rest;
}

test('an answer reads the same however its bytes are cut', () => {
  for (const { bytes, ...setting } of SAMPLES) {
    const atOnce = summary(parse([bytes], setting));
    assert.deepEqual(summary(parse(bytes.split(''), setting)), atOnce);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      assert.deepEqual(
        summary(parse([bytes.slice(0, cut), bytes.slice(cut)], setting)),
        atOnce,
        `cut at ${cut} of ${JSON.stringify(bytes)}`,
      );
    }
  }
});

test('head, framing and trailers are given apart', () => {
  const fixed = parse([SAMPLES[0]?.bytes ?? '']);
  assert.deepEqual(
    [fixed.head?.headers, fixed.contentLength, fixed.hasBody, fixed.body, fixed.isReusable],
    [['X-A', '1', 'X-B', '2'], 5, true, 'hello', true],
  );
  const chunked = parse([SAMPLES[1]?.bytes ?? '']);
  assert.deepEqual([chunked.body, chunked.pieces, chunked.trailers, chunked.contentLength], ['hello!', 1, ['X-Sum', '1'], undefined]);
  const nominated = parse([SAMPLES[3]?.bytes ?? '']);
  assert.deepEqual([nominated.head?.headers, nominated.isReusable], [[], true]);
});

test('an upgrade needs to have been asked for, with the same protocol and Connection: Upgrade', () => {
  const head = (fields: string): string => `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`;
  const good = parse([`${head('Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nX-A: 1')}FIRST`], { upgrade: 'websocket' });
  assert.deepEqual(good.upgrade, { headers: ['X-A', '1'], firstBytes: 'FIRST' });
  for (const [fields, upgrade] of [
    ['Upgrade: websocket\r\nConnection: Upgrade', undefined],
    ['Upgrade: h2c\r\nConnection: Upgrade', 'websocket'],
    ['Upgrade: websocket, h2c\r\nConnection: Upgrade', 'websocket'],
    ['Connection: Upgrade', 'websocket'],
    ['Upgrade: websocket', 'websocket'],
  ] as const) {
    const bad = parse([head(fields)], upgrade === undefined ? {} : { upgrade });
    assert.deepEqual([bad.upgrade, typeof bad.rule], [undefined, 'string'], fields);
  }
  assert.equal(parse([`${OK}Content-Length: 0\r\n\r\n`], { upgrade: 'websocket' }).hasBody, false);
});

test('answers follow one another on a connection', () => {
  const recorder = new Recorder();
  const parser = new ResponseParser(recorder, LIMITS);
  for (let i = 0; i < 3; i += 1) {
    recorder.body = '';
    parser.expect('GET', undefined);
    parser.execute(Buffer.from(`${OK}Transfer-Encoding: chunked\r\n\r\n1\r\n${i}\r\n0\r\n\r\n`));
    assert.deepEqual([recorder.body, recorder.isReusable, recorder.rule], [String(i), true, undefined]);
  }
  parser.execute(Buffer.from('more'));
  assert.equal(typeof recorder.rule, 'string');
});

test('nothing is told any more after stop, even in the middle of a read', () => {
  const recorder = new Recorder();
  const parser = new ResponseParser(recorder, LIMITS);
  recorder.responseHead = () => parser.stop();
  parser.expect('GET', undefined);
  parser.execute(Buffer.from(`${OK}Content-Length: 2\r\n\r\nok`));
  parser.execute(Buffer.from('more'));
  assert.deepEqual([recorder.body, recorder.trailers, recorder.rule], ['', undefined, undefined]);
});

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/).map((name) => `x-${name}`);
const value = fc.string({
  unit: fc
    .integer({ min: 33, max: 255 })
    .filter((code) => code !== 127)
    .map((code) => String.fromCharCode(code)),
  maxLength: 20,
});

test('any fields and any body come back as they were written (property)', () => {
  const body = fc.array(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 40 }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(token, value), { maxLength: 8 }),
      body,
      fc.boolean(),
      fc.array(fc.nat({ max: 400 }), { maxLength: 5 }),
      (fields, chunks, isChunked, cuts) => {
        const lines = fields.map(([name, text]) => `${name}: ${text}\r\n`).join('');
        const payload = chunks.join('');
        const framed = isChunked
          ? `Transfer-Encoding: chunked\r\n\r\n${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
          : `Content-Length: ${payload.length}\r\n\r\n${payload}`;
        const bytes = `${OK}${lines}${framed}`;
        const marks = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
        const recorder = parse(marks.slice(1).map((mark, i) => bytes.slice(marks[i], mark)));
        assert.equal(recorder.rule, undefined);
        assert.deepEqual(recorder.head?.headers, fields.flat());
        assert.deepEqual([recorder.body, recorder.isReusable], [payload, true]);
      },
    ),
    { numRuns: 500 },
  );
});

test('damaged bytes never throw and never give more than was written (property)', () => {
  const samples = SAMPLES.map(({ bytes }) => bytes);
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat({ max: 200 }), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      (sample, changes) => {
        const bytes = sample.split('');
        for (const [at, code] of changes) bytes[at % bytes.length] = String.fromCharCode(code);
        const recorder = parse([bytes.join('')]);
        assert.ok(recorder.body.length <= bytes.length);
        for (const text of recorder.head?.headers ?? []) assert.doesNotMatch(text, /[\0\r\n]/);
        const split = parse(bytes);
        assert.deepEqual([split.head, split.informs, split.trailers], [recorder.head, recorder.informs, recorder.trailers]);
      },
    ),
    { numRuns: 1000 },
  );
});
