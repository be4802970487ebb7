import type { Exchange } from '../../src/http/exchange.ts';
import type { FrontLimits, Rejection } from '../../src/http/front-state.ts';
import { createFrontend, type Frontend } from '../../src/http/frontend.ts';
import type { Listener, ListenOptions } from '../../src/http/listener.ts';

/** Limits of a frontend as generous as the defaults of the gateway. */
export const FRONT_LIMITS: FrontLimits = {
  headerTimeoutMs: 10_000,
  bodyStartTimeoutMs: 30_000,
  bodyIdleTimeoutMs: 60_000,
  requestTimeoutMs: 3_600_000,
  idleTimeoutMs: 75_000,
  maxConnections: 20_000,
  maxInFlight: 10_000,
  maxTargetBytes: 8192,
  maxHeaderBytes: 16_384,
  maxHeaders: 128,
};

/** A frontend with one listener on a free port; `await using` cuts it. */
export interface TestFront extends AsyncDisposable {
  readonly frontend: Frontend;
  readonly listener: Listener;
  readonly port: number;
  readonly rejections: readonly Rejection[];
}

export interface TestFrontOptions {
  readonly limits?: Partial<FrontLimits>;
  readonly listen?: Partial<ListenOptions>;
}

/** Starts a frontend whose requests go to `onExchange`. */
export async function startFront(onExchange: (exchange: Exchange) => void, options: TestFrontOptions = {}): Promise<TestFront> {
  const rejections: Rejection[] = [];
  const frontend = createFrontend({
    limits: { ...FRONT_LIMITS, ...options.limits },
    onExchange,
    onReject: (rejection) => rejections.push(rejection),
  });
  const listener = await frontend.listen({
    host: '127.0.0.1',
    port: 0,
    name: 'test',
    setting: 'proxy.port',
    http2: true,
    h2c: false,
    ...options.listen,
  });
  return {
    frontend,
    listener,
    port: listener.port,
    rejections,
    [Symbol.asyncDispose]: async () => frontend.close(),
  };
}

/** Reads the whole body of an exchange; rejects when it breaks off. */
export async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of exchange.body ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Answers `<method> <target> <host>` and then the body. */
export function echo(exchange: Exchange): void {
  const line = `${exchange.method} ${exchange.target} ${exchange.host}\n`;
  if (exchange.body === undefined) exchange.respond({ status: 200, headers: [] }, line);
  else
    readBody(exchange).then(
      (body) => exchange.respond({ status: 200, headers: [] }, Buffer.concat([Buffer.from(line), body])),
      () => exchange.destroy(),
    );
}
