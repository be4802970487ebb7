import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A request as it came over the wire, by a parser of its own, strict to the letter of RFC 9112. */
export interface Recorded {
  readonly method: string;
  readonly target: string;
  /** Name and value, as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

/** An upstream that writes down every complete request, answers 200 `ok`, and notes whatever is not perfectly formed. */
export interface Recorder extends AsyncDisposable {
  readonly port: number;
  readonly requests: Recorded[];
  readonly violations: string[];
}

/** Starts a recorder on a free port of loopback. */
export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  const violations: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let pending = '';
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (text: string) => {
      pending += text;
      try {
        for (let next = parseRequest(pending); next !== undefined; next = parseRequest(pending)) {
          pending = pending.slice(next.length);
          requests.push(next.request);
          const isHead = next.request.method === 'HEAD';
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${isHead ? '' : 'ok'}`);
        }
      } catch (error) {
        violations.push(`${String(error)} in ${JSON.stringify(pending.slice(0, 500))}`);
        socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    violations,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first request of `text` and its length; undefined while it is incomplete. Throws on anything that is not perfectly formed. */
function parseRequest(text: string): { readonly request: Recorded; readonly length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [line = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const [, method = '', target = ''] =
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[!$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]*|\*) HTTP\/1\.1$/.exec(line) ?? fail(`request line ${line}`);
  const fields = lines.map((text): readonly [string, string] => {
    const [, name = '', value = ''] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)$/.exec(text) ??
      fail(`field ${text}`);
    return [name, value];
  });
  const values = (wanted: string): readonly string[] => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const lengths = values('content-length');
  const codings = values('transfer-encoding');
  if (values('host').length !== 1) fail('not exactly one Host');
  if (lengths.length + codings.length > 1) fail('more than one framing');
  if (codings.length === 1 && codings[0] !== 'chunked') fail(`coding ${codings[0]}`);
  if (lengths.length === 1 && !/^(0|[1-9][0-9]*)$/.test(lengths[0] ?? '')) fail(`length ${lengths[0]}`);
  const bodyAt = headEnd + 4;
  const body = codings.length === 1 ? parseChunks(text, bodyAt) : takeBody(text, bodyAt, Number(lengths[0] ?? 0));
  return body === undefined ? undefined : { request: { method, target, fields, body: body.body }, length: body.end };
}

function takeBody(text: string, from: number, length: number): { body: string; end: number } | undefined {
  return text.length < from + length ? undefined : { body: text.slice(from, from + length), end: from + length };
}

function parseChunks(text: string, from: number): { body: string; end: number } | undefined {
  let body = '';
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = text.slice(at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) fail(`chunk size ${size}`);
    const length = Number.parseInt(size, 16);
    const end = lineEnd + 2 + length;
    if (text.length < end + 2) return undefined;
    if (!text.startsWith('\r\n', end)) fail('chunk without its line end');
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
    if (length === 0) return { body, end: at };
  }
}

function fail(what: string): never {
  throw new Error(what);
}
