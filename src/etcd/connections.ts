import { Agent, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { SekishoError } from '../lib/errors.ts';
import { parseRefusal, type Refusal, toError } from './etcd-error.ts';
import { AnswerTooLarge, openCall, readBody } from './http-call.ts';
import { type JsonLines, readJsonLines } from './json-lines.ts';
import type { EtcdOptions } from './types.ts';
import { type Message, toMessage } from './wire.ts';

/** How long one try may take: to connect, and from then on. Milliseconds. */
export interface Limits {
  readonly connectMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** One request on its way to one endpoint. */
export interface Question {
  readonly path: string;
  /** JSON. */
  readonly body: string;
  /** The token of authentication. */
  readonly token: string | undefined;
}

export type Answer<T> = { readonly type: 'answer'; readonly value: T } | { readonly type: 'refused'; readonly refusal: Refusal };

/** Connections to all endpoints, kept alive. Rejects with a `CallFailure` when there is no answer, with ETCD_FAILED or ETCD_TOO_LARGE for a strange one. */
export interface Connections {
  ask(url: string, question: Question, limits: Limits): Promise<Answer<Message>>;
  stream(url: string, question: Question, limits: Limits): Promise<Answer<JsonLines>>;
  close(): void;
}

const MAX_SOCKETS = 64;
const MAX_ANSWER_BYTES = 134_217_728;

/** Calls and streams have sockets apart: a stream holds its own for as long as it lasts. */
export function createConnections(options: EtcdOptions): Connections {
  const calls = createAgents(options, MAX_SOCKETS);
  const streams = createAgents(options, Number.POSITIVE_INFINITY);
  const open = async (url: string, { path, body, token }: Question, limits: Limits, agents: Agents): Promise<IncomingMessage> => {
    const headers: Record<string, string> = {};
    if (token !== undefined) headers.authorization = token;
    // A member that lost its cluster ends a watch that asks for a leader, instead of being silent for ever.
    if (agents === streams) headers['grpc-metadata-hasleader'] = 'true';
    return await openCall({ ...limits, url, path, body, agent: url.startsWith('https:') ? agents.tls : agents.plain, headers });
  };
  const read = async (response: IncomingMessage, path: string, limits: Limits): Promise<string> => {
    try {
      return await readBody(response, MAX_ANSWER_BYTES, limits.timeoutMs, limits.signal);
    } catch (error) {
      if (error instanceof AnswerTooLarge) throw new SekishoError('ETCD_TOO_LARGE', `etcd ${path}: ${error.message}`);
      throw error;
    }
  };
  const refuse = async (response: IncomingMessage, path: string, limits: Limits): Promise<{ type: 'refused'; refusal: Refusal }> => {
    const text = await read(response, path, limits);
    return { type: 'refused', refusal: parseRefusal(parseJson(text), response.statusCode ?? 0) };
  };
  return {
    async ask(url, question, limits) {
      const response = await open(url, question, limits, calls);
      if (response.statusCode !== 200) return await refuse(response, question.path, limits);
      return { type: 'answer', value: parseAnswer(await read(response, question.path, limits), question.path) };
    },
    async stream(url, question, limits) {
      const response = await open(url, question, limits, streams);
      if (response.statusCode !== 200) return await refuse(response, question.path, limits);
      return { type: 'answer', value: endWith(limits.signal, response) };
    },
    close() {
      for (const agents of [calls, streams]) {
        agents.plain.destroy();
        agents.tls.destroy();
      }
    },
  };
}

function endWith(signal: AbortSignal, response: IncomingMessage): JsonLines {
  const lines = readJsonLines(response);
  const close = (): void => lines.close();
  signal.addEventListener('abort', close, { once: true });
  response.once('close', () => signal.removeEventListener('abort', close));
  return lines;
}

interface Agents {
  readonly plain: Agent;
  readonly tls: TlsAgent;
}

function createAgents({ tls = {} }: EtcdOptions, maxSockets: number): Agents {
  const common = { keepAlive: true, keepAliveMsecs: 5000, maxSockets };
  const secure = {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.skipVerify === true && { rejectUnauthorized: false }),
  };
  return { plain: new Agent(common), tls: new TlsAgent({ ...common, ...secure }) };
}

function parseAnswer(text: string, path: string): Message {
  const value = parseJson(text);
  if (value === undefined) {
    throw new SekishoError('ETCD_FAILED', `what answers ${path} does not speak JSON: is it the client port of etcd?`);
  }
  const message = toMessage(value);
  // A stream of one message, as lease/keepalive gives it.
  if (message.error !== undefined) throw toError(parseRefusal(message.error, 500), path);
  return message.result === undefined ? message : toMessage(message.result);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
