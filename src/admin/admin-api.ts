import type { Exchange, ExchangeHandler } from '../http/exchange.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { sendAnswer, sendProblem } from './answer.ts';
import { readJsonBody } from './body.ts';
import { parseExpect } from './expect.ts';
import { createGatekeeper } from './gatekeeper.ts';
import { compileMatcher, type Match } from './matcher.ts';
import { toOpenApi } from './openapi.ts';
import { parseQuery } from './query.ts';
import { Refusal } from './refusal.ts';
import type { AdminAnswer } from './route.ts';
import { ADMIN_ROUTES } from './routes.ts';
import type { AdminOptions } from './types.ts';
import { awaitNodes } from './wait-for-all.ts';
import { redirectChange } from './watch-only.ts';

const MALFORMED = 'error unmarshalling body';

export interface AdminApi {
  readonly handle: ExchangeHandler;
  /** The OpenAPI 3.1 document that `/openapi.json` answers. */
  openapi(): object;
  /** Resolves when no request is being answered any more. */
  close(): Promise<void>;
}

/** Makes the admin API over `options.state`; a listener hands it exchanges. Throws `CONFIG_INVALID` when allow list or keys can't be used. */
export function createAdminApi(options: AdminOptions): AdminApi {
  const admit = createGatekeeper(options);
  const match = compileMatcher(ADMIN_ROUTES);
  const running = new Set<Promise<void>>();

  const serve = async (exchange: Exchange): Promise<void> => {
    const started = performance.now();
    let principal = '';
    let status: number;
    let failure: SekishoError | undefined;
    try {
      principal = await admit(exchange);
      const found = match(exchange.method, exchange.path);
      if ('allow' in found) throw wrongMethod(exchange, found.allow);
      const answer = await answerMatch(found.found, exchange, principal, options);
      status = answer.status;
      await sendAnswer(exchange, answer);
    } catch (error) {
      failure = toSekishoError(error instanceof Refusal ? error.error : error);
      status = failure.status;
      sendProblem(exchange, failure, error instanceof Refusal ? error.headers : []);
    }
    observe({
      type: 'admin.request',
      method: exchange.method,
      path: exchange.path,
      status,
      durationMs: performance.now() - started,
      principal,
      remoteAddress: exchange.remoteAddress,
      ...(failure !== undefined && { error: failure }),
    });
  };

  return {
    handle(exchange) {
      const task = serve(exchange).finally(() => running.delete(task));
      running.add(task);
    },
    openapi: () => toOpenApi(ADMIN_ROUTES, options.version, options.auth),
    async close() {
      await Promise.allSettled(running);
    },
  };
}

async function answerMatch({ route, params }: Match, exchange: Exchange, principal: string, options: AdminOptions): Promise<AdminAnswer> {
  if (route.early !== true && options.phase() === 'starting') throw new SekishoError('NOT_READY', 'proxy state not ready');
  if (route.isChange === true && options.watchOnly) return await redirectChange({ exchange }, options);
  const query = parseQuery(route, exchange.query, options.auth.method === 'key' ? options.auth.queryParamName : undefined);
  const expect = parseExpect(route, exchange.headers, query.expect, route.conditional ? options.state.revision() : 0);
  const malformed = route.body?.malformed ?? MALFORMED;
  const body = route.body === undefined ? undefined : await readJsonBody(exchange, route.body.maxBytes ?? options.maxBodyBytes, malformed);
  if (route.body?.required === true && body === undefined) throw new SekishoError('ADMIN_BAD_REQUEST', `${malformed}: the body is empty`);
  const request = { exchange, principal, params, query, body, expect };
  return await awaitNodes(await route.handle(request, options), request, options);
}

function wrongMethod(exchange: Exchange, allow: readonly string[]): Refusal {
  const list = allow.join(', ');
  return new Refusal(new SekishoError('ADMIN_METHOD', `${exchange.path} has ${list}, not ${exchange.method}`), ['Allow', list]);
}
