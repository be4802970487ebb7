import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

/** A call that got no answer. When `isSent` is false, etcd has seen nothing of it. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly isSent: boolean;

  constructor(reason: string, isSent: boolean, cause?: unknown) {
    super(reason, { cause });
    this.isSent = isSent;
  }
}

export interface HttpCall {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the connection may take, and everything up to the response head. Milliseconds. */
  readonly connectMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Posts, and gives the response when its head is there. Rejects with a `CallFailure`, or with the reason of the signal when it was aborted after the request was sent. */
export function openCall(call: HttpCall): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(new CallFailure('it was given up before it was sent', false, call.signal.reason));
      return;
    }
    const isTls = call.url.startsWith('https:');
    const headers = { ...call.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(call.body) };
    const request = (isTls ? requestTls : requestPlain)(`${call.url}${call.path}`, { method: 'POST', agent: call.agent, headers });
    let isSent = false;
    const settle = (): void => {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', abort);
    };
    const fail = (reason: string, cause?: unknown): void => {
      settle();
      reject(new CallFailure(reason, isSent, cause));
      request.destroy();
    };
    const abort = (): void => {
      settle();
      reject(isSent ? toAbortError(call.signal) : new CallFailure('it was given up before it was sent', false, call.signal.reason));
      request.destroy();
    };
    let timer = setTimeout(() => fail(`no connection within ${Math.ceil(call.connectMs)} ms`), call.connectMs);
    whenConnected(request, isTls, () => {
      isSent = true;
      clearTimeout(timer);
      timer = setTimeout(() => fail(`no answer within ${Math.ceil(call.timeoutMs)} ms`), call.timeoutMs);
    });
    call.signal.addEventListener('abort', abort, { once: true });
    request.on('error', (error) => fail(toReason(error), error));
    request.on('response', (response) => {
      settle();
      resolve(response);
    });
    request.end(call.body);
  });
}

/** Node writes the request as soon as the connection stands: before that, nothing has left this machine. */
function whenConnected(request: ClientRequest, isTls: boolean, then: () => void): void {
  request.once('socket', (socket) => {
    const isConnecting = socket.connecting || ('secureConnecting' in socket && socket.secureConnecting === true);
    if (isConnecting) socket.once(isTls ? 'secureConnect' : 'connect', then);
    else then();
  });
}

/** The whole body as text. Rejects with a `CallFailure` when it is cut, late, or longer than `maxBytes`. */
export function readBody(response: IncomingMessage, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
      response.destroy();
    };
    const abort = (): void => fail(toAbortError(signal));
    const timer = setTimeout(() => fail(new CallFailure(`no whole answer within ${Math.ceil(timeoutMs)} ms`, true)), timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) fail(new AnswerTooLarge(maxBytes));
      else chunks.push(chunk);
    });
    response.on('error', (error) => fail(new CallFailure(toReason(error), true, error)));
    response.on('end', () => {
      settle();
      resolve(Buffer.concat(chunks, bytes).toString());
    });
  });
}

function toAbortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}

/** An answer that is longer than this client holds in memory. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';

  constructor(maxBytes: number) {
    super(`the answer is longer than ${maxBytes} bytes`);
  }
}

/** The words of an error of a socket: an AggregateError of several addresses has none of its own. */
export function toReason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(toReason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
