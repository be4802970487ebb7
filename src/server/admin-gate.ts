import type { Settings } from '../config/settings.ts';
import type { ExchangeHandler } from '../http/exchange.ts';
import { SekishoError, toProblem } from '../lib/errors.ts';
import { type BoundSockets, type Listening, listenAdmin } from './listeners.ts';

/** The listeners of the admin API apart from what answers: that may be exchanged, or away for a while. */
export interface AdminGate extends Listening {
  /** Who answers from now on; undefined: callers are told to come again. */
  serve(handler: ExchangeHandler | undefined): void;
}

/** Listens on sockets that are bound. */
export async function createAdminGate(
  settings: Settings,
  admin: NonNullable<Settings['admin']>,
  sockets: BoundSockets,
): Promise<AdminGate> {
  let answer: ExchangeHandler | undefined;
  const listening = await listenAdmin(settings, admin, (exchange) => (answer ?? refuse)(exchange), sockets);
  return {
    ...listening,
    serve(handler) {
      answer = handler;
    },
  };
}

const refuse: ExchangeHandler = (exchange) => {
  const error = new SekishoError('NOT_READY', 'the gateway starts, or another process takes over; try again');
  const headers = ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store', 'Retry-After', '1'];
  exchange.respond({ status: error.status, headers }, `${JSON.stringify(toProblem(error))}\n`);
};
