import type { Settings } from '../config/settings.ts';
import type { Exchange } from '../http/exchange.ts';
import { createFrontend } from '../http/frontend.ts';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { Database } from '../sql/types.ts';

const MAX_PROBES = 100;

/**
 * Gohan's health listener, one port above the proxy's unless `healthcheck.address` says otherwise: `GET /healthcheck` is 200 while the database answers in time, else 503;
 * `GET /liveness` is 200 as long as the process lives.
 */
export async function startHealthListener({ healthcheck, proxy }: Settings, database: Database): Promise<{ close(): void }> {
  const limits = { ...proxy.limits, maxConnections: MAX_PROBES, maxInFlight: MAX_PROBES };
  const frontend = createFrontend({
    limits,
    onExchange: (exchange) => void answerProbe(exchange, database, healthcheck.timeoutMs),
  });
  const { host, port } = parseAddress(healthcheck.address, proxy);
  const listening = await frontend.listen({ name: 'health', host, port, setting: 'healthcheck.address', http2: false, h2c: false });
  observe({ type: 'server.listening', listener: 'health', address: `http://${host === '' ? '0.0.0.0' : host}:${listening.port}` });
  return frontend;
}

function parseAddress(address: string | undefined, proxy: Settings['proxy']): { readonly host: string; readonly port: number } {
  if (address === undefined) return { host: proxy.host, port: proxy.port + 1 };
  const match = /^(.*):(\d{1,5})$/.exec(address);
  if (match === null) throw new SekishoError('CONFIG_INVALID', `healthcheck.address: found ${JSON.stringify(address)}, expected HOST:PORT`);
  return { host: match[1] ?? '', port: Number(match[2]) };
}

async function answerProbe(exchange: Exchange, database: Database, timeoutMs: number): Promise<void> {
  const isRead = exchange.method === 'GET' || exchange.method === 'HEAD';
  if (!isRead || (exchange.path !== '/healthcheck' && exchange.path !== '/liveness')) return exchange.respond({ status: 404, headers: [] });
  const isHealthy = exchange.path === '/liveness' || (await answersInTime(database, timeoutMs));
  exchange.respond({ status: isHealthy ? 200 : 503, headers: ['Cache-Control', 'no-store'] });
}

async function answersInTime(database: Database, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const asked = database
    .transaction((session) => session.query('SELECT 1', []), { isolation: 'READ COMMITTED' })
    .then(
      () => true,
      () => false,
    );
  const answered = await Promise.race([asked, late]);
  clearTimeout(timer);
  return answered;
}
