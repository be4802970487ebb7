import { Readable } from 'node:stream';
import type { Exchange, RawHeaders } from '../../http/exchange.ts';
import type { ResourceApi } from '../../resource/api.ts';
import type { RequestNote } from '../../resource/types.ts';

/** A request of a test. */
export interface TestRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON, a text as it is. */
  readonly body: unknown;
}

export interface TestAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed, where it is JSON; undefined when there is none. */
  readonly body: unknown;
}

/** Asks the API without a listener. Rejects when no schema has the path. */
export function askForTest(api: ResourceApi, request: TestRequest, id: string): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const note: RequestNote = { id, route: '', pattern: '', status: 0 };
    const exchange = toExchange(request, (status, headers, text) => resolve(toAnswer(status, headers, text)));
    if (!api.handle(exchange, note)) reject(new Error(`no schema has the path ${exchange.path}`));
  });
}

type Respond = (status: number, headers: RawHeaders, text: string) => void;

function toExchange({ method, path, token, headers, body }: TestRequest, respond: Respond): Exchange {
  const [plain = '', ...query] = path.split('?');
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const isPatch = method.toUpperCase() === 'PATCH';
  const type = Array.isArray(body) ? 'application/json-patch+json' : isPatch ? 'application/merge-patch+json' : 'application/json';
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const fields = new Map([
    ...(token === '' ? [] : [['x-auth-token', token] as const]),
    ...(text === undefined ? [] : [['content-type', type] as const]),
    ...own,
  ]);
  const streamed = (): never => {
    throw new Error('the API of schemas answers as a whole');
  };
  return {
    method: method.toUpperCase(),
    target: path,
    path: plain,
    query: query.join('?'),
    version: '1.1',
    host: 'localhost',
    authority: 'localhost',
    headers: [...fields].flat(),
    isTls: false,
    remoteAddress: '127.0.0.1',
    listener: 'test',
    body: text === undefined ? undefined : Readable.from([Buffer.from(text)]),
    contentLength: text === undefined ? undefined : Buffer.byteLength(text),
    upgrade: undefined,
    headSent: false,
    aborted: false,
    respond: ({ status, headers: answered }, content = '') => respond(status, answered, String(content)),
    begin: streamed,
    inform: streamed,
    write: streamed,
    flush: streamed,
    end: streamed,
    tunnel: streamed,
    destroy: streamed,
    onDrain() {},
    onAbort() {},
    onFinish() {},
  };
}

function toAnswer(status: number, raw: RawHeaders, text: string): TestAnswer {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) headers[(raw[at] as string).toLowerCase()] = raw[at + 1] as string;
  return { status, headers, body: text === '' ? undefined : /json/.test(headers['content-type'] ?? '') ? JSON.parse(text) : text };
}
