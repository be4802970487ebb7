import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { type AuthToken, createAuthToken } from './auth-token.ts';
import { createBackoff } from './backoff.ts';
import { type Connections, createConnections, type Question } from './connections.ts';
import { createEndpoints, type EndpointObserver, type Endpoints } from './endpoints.ts';
import { judge, type Refusal, toError } from './etcd-error.ts';
import { CallFailure, toReason } from './http-call.ts';
import type { JsonLines } from './json-lines.ts';
import type { EtcdOptions } from './types.ts';
import { type Message, toText } from './wire.ts';

export interface CallOptions {
  /** Carried out twice it would do more, or tell something else: tried again only when it surely was not carried out. */
  readonly isWrite?: boolean;
  /** Ask this endpoint and no other. */
  readonly endpoint?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A stream of messages and where it comes from. */
export interface MessageStream {
  readonly endpoint: string;
  readonly lines: JsonLines;
}

/**
 * Calls of the gateway, wherever it answers. Rejects with an `ETCD_*` error, or with the reason of an aborted signal; a write that was given up before it was sent with
 * ETCD_UNAVAILABLE.
 */
export interface Transport {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  call(path: string, body: Message, options?: CallOptions): Promise<Message>;
  /** Opens a stream; one try. The caller closes it, and tells `fail` when it ended so that the next one goes elsewhere. */
  stream(path: string, body: Message, options?: CallOptions): Promise<MessageStream>;
  fail(endpoint: string, reason: string): void;
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 5000;
const MAX_CALLS = 4096;
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 500;
/** Of the time of a call, what a login may take: it is made within one. */
const LOGIN_SHARE = 0.4;
const NO_AUTH = 'authentication is not enabled';

/** Opens connections as calls need them. Throws CONFIG_INVALID for endpoints that are none. */
export function createTransport(options: EtcdOptions, observe: EndpointObserver): Transport {
  const endpoints = createEndpoints(options.endpoints, observe);
  const connections = createConnections(options);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const closing = new AbortController();
  const toSignal = (given: AbortSignal | undefined): AbortSignal =>
    given === undefined ? closing.signal : AbortSignal.any([given, closing.signal]);
  const context = { endpoints, connections, hasUser: options.username !== undefined };
  const token = createAuthToken(() =>
    login(options, { ...context, token: NO_TOKEN }, { totalMs: Math.ceil(timeoutMs * LOGIN_SHARE), signal: closing.signal }),
  );
  let inFlight = 0;
  return {
    endpoints: endpoints.urls,
    timeoutMs,
    async call(path, body, how = {}) {
      if (inFlight >= MAX_CALLS) throw unavailable(`${MAX_CALLS} calls of etcd are under way already; ${path} was not sent`);
      inFlight += 1;
      try {
        const work = { ...how, path, body: JSON.stringify(body), totalMs: how.timeoutMs ?? timeoutMs, signal: toSignal(how.signal) };
        return await callAnywhere({ ...context, token }, work);
      } finally {
        inFlight -= 1;
      }
    },
    stream: (path, body, how = {}) =>
      openStream(
        { ...context, token },
        { ...how, path, body: JSON.stringify(body), totalMs: how.timeoutMs ?? timeoutMs, signal: toSignal(how.signal) },
      ),
    fail: endpoints.fail,
    close() {
      closing.abort(unavailable('the client of etcd is closed'));
      connections.close();
    },
  };
}

/** The same connections, but a call that does not say for how long may take `timeoutMs`. */
export function withTimeout(transport: Transport, timeoutMs: number): Transport {
  return {
    ...transport,
    timeoutMs,
    call: (path, body, how) => transport.call(path, body, { timeoutMs, ...how }),
    stream: (path, body, how) => transport.stream(path, body, { timeoutMs, ...how }),
  };
}

interface Context {
  readonly endpoints: Endpoints;
  readonly connections: Connections;
  readonly token: AuthToken;
  readonly hasUser: boolean;
}

interface Work extends CallOptions {
  readonly path: string;
  readonly body: string;
  readonly totalMs: number;
  readonly signal: AbortSignal;
}

/** Login itself goes without one. */
const NO_TOKEN: AuthToken = { get: async () => undefined, drop: () => undefined };

async function login(
  options: EtcdOptions,
  context: Context,
  limits: { readonly totalMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  if (options.username === undefined) return undefined;
  const body = JSON.stringify({ name: options.username, password: options.password ?? '' });
  try {
    return toText((await callAnywhere(context, { ...limits, path: '/v3/auth/authenticate', body })).token);
  } catch (error) {
    if (error instanceof SekishoError && error.message.includes(NO_AUTH)) return undefined;
    throw error;
  }
}

/** Goes from endpoint to endpoint until one answers or the time is up. */
async function callAnywhere(context: Context, work: Work): Promise<Message> {
  const { endpoints } = context;
  const deadline = performance.now() + work.totalMs;
  const backoff = createBackoff(FIRST_PAUSE_MS, MAX_PAUSE_MS);
  let hasNewToken = false;
  for (let tries = 1; ; tries += 1) {
    const result = await tryOnce(context, work, Math.max(1, deadline - performance.now()));
    if (result.type === 'answer') return result.value;
    if (result.retry === undefined || (result.retry === 'token' && hasNewToken)) throw result.problem;
    if (result.retry === 'token') {
      hasNewToken = true;
      continue;
    }
    // Straight on to the next endpoint; a pause only when all of them had their turn.
    const isRound = work.endpoint !== undefined || tries % endpoints.urls.length === 0;
    const pauseMs = isRound ? backoff.next() : 0;
    if (performance.now() + pauseMs >= deadline) throw result.problem;
    await sleep(pauseMs, undefined, { signal: work.signal }).catch(() => giveUp(work, result.problem));
  }
}

/** What is tried again was surely not carried out: a write says so. */
function giveUp({ isWrite, signal }: Work, problem: SekishoError): never {
  if (isWrite === true) throw problem;
  throw signal.reason as Error;
}

type Try =
  | { readonly type: 'answer'; readonly value: Message }
  | { readonly type: 'failed'; readonly problem: SekishoError; readonly retry?: 'token' | 'endpoint' };

async function tryOnce(context: Context, work: Work, leftMs: number): Promise<Try> {
  const { endpoints, connections } = context;
  const url = work.endpoint ?? endpoints.current();
  const token = await whileWanted(work, context.token.get());
  // One endpoint that hangs must leave time for the others. A write that was sent has no other to go to.
  const connectMs = work.endpoint === undefined ? Math.min(leftMs, work.totalMs / endpoints.urls.length) : leftMs;
  const limits = { connectMs, timeoutMs: work.isWrite === true ? leftMs : connectMs, signal: work.signal };
  try {
    const answer = await connections.ask(url, { path: work.path, body: work.body, token }, limits);
    if (answer.type === 'refused') return toFailedTry(context, work, { url, token }, answer.refusal);
    endpoints.succeed(url);
    return answer;
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    if (work.signal.aborted && !error.isSent) giveUp(work, notSent(work.path));
    if (work.endpoint === undefined) endpoints.fail(url, error.message);
    if (work.isWrite === true && error.isSent) return { type: 'failed', problem: unknownOutcome(url, work.path, error.message) };
    return {
      type: 'failed',
      problem: unavailable(`etcd at ${url} does not answer ${work.path}: ${error.message}`, error),
      retry: 'endpoint',
    };
  }
}

/** A login may take longer than who waits for it. */
async function whileWanted<T>(work: Work, asked: Promise<T>): Promise<T> {
  const { signal } = work;
  if (signal.aborted) giveUp(work, notSent(work.path));
  const given = Promise.withResolvers<never>();
  const onAbort = (): void => given.reject(work.isWrite === true ? notSent(work.path) : (signal.reason as Error));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([asked, given.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function notSent(path: string): SekishoError {
  return unavailable(`no endpoint of etcd took ${path} in time; it was not sent`);
}

function toFailedTry(
  { endpoints, token, hasUser }: Context,
  work: Work,
  by: { readonly url: string; readonly token: string | undefined },
  refusal: Refusal,
): Try {
  const { retry, isNotDone } = judge(refusal);
  if (retry === 'endpoint' && work.endpoint === undefined) endpoints.fail(by.url, refusal.message);
  else endpoints.succeed(by.url);
  if (work.isWrite === true && !isNotDone) return { type: 'failed', problem: unknownOutcome(by.url, work.path, refusal.message) };
  if (retry === 'token') token.drop(by.token);
  const isWorthIt = retry === 'endpoint' || (retry === 'token' && hasUser);
  return { type: 'failed', problem: toError(refusal, work.path), ...(isWorthIt && { retry }) };
}

async function openStream(context: Context, work: Work): Promise<MessageStream> {
  const { endpoints, connections } = context;
  const url = work.endpoint ?? endpoints.current();
  const question: Question = { path: work.path, body: work.body, token: await context.token.get() };
  try {
    const limits = { connectMs: work.totalMs, timeoutMs: work.totalMs, signal: work.signal };
    const answer = await connections.stream(url, question, limits);
    endpoints.succeed(url);
    if (answer.type === 'answer') return { endpoint: url, lines: answer.value };
    if (judge(answer.refusal).retry === 'token') context.token.drop(question.token);
    throw toError(answer.refusal, work.path);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    work.signal.throwIfAborted();
    endpoints.fail(url, error.message);
    throw unavailable(`etcd at ${url} does not answer ${work.path}: ${toReason(error)}`, error);
  }
}

function unknownOutcome(url: string, path: string, reason: string): SekishoError {
  return new SekishoError('ETCD_UNKNOWN_OUTCOME', `etcd at ${url} took ${path}, but whether it was carried out is not known: ${reason}`);
}

function unavailable(detail: string, cause?: unknown): SekishoError {
  return new SekishoError('ETCD_UNAVAILABLE', detail, cause === undefined ? {} : { cause });
}
