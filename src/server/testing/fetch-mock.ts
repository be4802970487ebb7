import { isDeepStrictEqual } from 'node:util';
import type { HttpAnswer, HttpCall } from '../../extension/host-calls.ts';
import { SekishoError } from '../../lib/errors.ts';

/** What a call has to have beside its method and URL, where a test cares. */
export interface ExpectedCall {
  /** Compared as JSON, or as a text. */
  readonly body?: unknown;
  /** Only these fields are compared. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How an expected call ends. */
export interface ExpectedAnswer {
  /** An object is answered as JSON. */
  reply(status: number, body?: unknown, headers?: Readonly<Record<string, string>>): void;
  /** The network fails. */
  fail(reason?: string): void;
}

/** Calls of extensions to other services: each has to be expected, in order. */
export interface FetchMock {
  expect(method: string, url: string, call?: ExpectedCall): ExpectedAnswer;
}

/** The mock with what answers calls by it. */
export interface FetchBook {
  readonly mock: FetchMock;
  answer(call: HttpCall): Promise<HttpAnswer>;
  /** Calls that came unexpected, and expected ones that did not come; forgotten when they were told. */
  takeProblems(): readonly string[];
}

interface Expectation {
  readonly name: string;
  readonly expected: ExpectedCall;
  answer: (() => HttpAnswer) | undefined;
}

export function createFetchBook(): FetchBook {
  const waiting: Expectation[] = [];
  const problems: string[] = [];
  const refuse = (problem: string): never => {
    problems.push(problem);
    throw new SekishoError('EXTENSION_CALL_FAILED', problem);
  };
  const take = (call: HttpCall): HttpAnswer => {
    const name = `${call.method} ${call.url}`;
    const [first] = waiting;
    if (first === undefined) return refuse(`Unexpected call to fetch(${name})`);
    const difference = first.name === name ? differenceOf(first.expected, call) : `expected ${first.name}`;
    if (difference !== undefined) return refuse(`Wrong arguments for call fetch(${name}), ${difference}`);
    waiting.shift();
    if (first.answer === undefined) return refuse(`reply() or fail() should be specified for each call to fetch(${name})`);
    return first.answer();
  };
  return {
    mock: {
      expect(method, url, expected = {}) {
        const expectation: Expectation = { name: `${method.toUpperCase()} ${url}`, expected, answer: undefined };
        waiting.push(expectation);
        return {
          reply(status, body, headers) {
            expectation.answer = () => toAnswer(status, body, headers);
          },
          fail(reason = 'the network failed') {
            expectation.answer = () => {
              throw new SekishoError('EXTENSION_CALL_FAILED', reason);
            };
          },
        };
      },
    },
    async answer(call) {
      return await Promise.resolve(take(call));
    },
    takeProblems() {
      const unmet = waiting.splice(0).map(({ name }) => `Expected call to fetch(${name}) but not made`);
      return [...problems.splice(0), ...unmet];
    },
  };
}

function differenceOf({ body, headers = {} }: ExpectedCall, call: HttpCall): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    const found = Object.entries(call.headers).find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
    if (found !== value) return `expected the header ${name} to be ${JSON.stringify(value)}, found ${JSON.stringify(found)}`;
  }
  if (body === undefined) return undefined;
  const found = typeof body === 'string' ? call.body : parseBody(call.body);
  return isDeepStrictEqual(found, body) ? undefined : `expected the body ${JSON.stringify(body)}, found ${JSON.stringify(found)}`;
}

function parseBody(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function toAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  const isText = typeof body === 'string' || body === undefined;
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    status,
    statusText: '',
    headers: { ...(!isText && { 'content-type': 'application/json' }), ...own },
    setCookies: [],
    body: isText ? (body ?? '') : JSON.stringify(body),
  };
}
