import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../test/support/client.ts';
import type { Gateway } from '../test/support/gateway.ts';

export interface RouteChangesOptions {
  /** Each change goes to the next one; it is served when all of them serve it. */
  readonly gateways: readonly Gateway[];
  /** So many routes take turns. */
  readonly routes: number;
  readonly perSecond: number;
  /** One change of so many is followed until it is served: asking for it is a load too. */
  readonly followed: number;
}

/** How a series of changes went. */
export interface ChangeSeries {
  readonly count: number;
  /** Until the last one was answered and, when it was followed, served. */
  readonly seconds: number;
  /** Milliseconds from the admin's answer until the last gateway served it, of those that were followed. */
  readonly delays: readonly number[];
}

/** Changes the routes of a fleet. */
export interface RouteChanges {
  /** Makes so many changes, at the rate that was asked for whether they are answered or not. Rejects when one is refused. */
  make(count: number): Promise<ChangeSeries>;
  close(): void;
}

const POLL_MS = 5;
/** So long a change may take before the run is given up: a fleet that cannot keep up is to be seen in the figures. */
const PATIENCE_MS = 120_000;

/** The route of that number. */
export function toRoute(index: number, path: string): Readonly<Record<string, unknown>> {
  return { name: `r${index}`, namespace: 'default', paths: [path], methods: ['GET'], service: 'upstream' };
}

/** Gives routes paths that were never there. The answers are minimal: the one of DGate's API is the list of all routes of the namespace. */
export function createRouteChanges({ gateways, routes, perSecond, followed }: RouteChangesOptions): RouteChanges {
  const agent = new http.Agent({ keepAlive: true });
  let made = 0;
  const untilServed = async (url: string): Promise<void> => {
    const end = performance.now() + PATIENCE_MS;
    while ((await ask(url, { agent, timeoutMs: PATIENCE_MS })).status !== 200) {
      if (performance.now() > end) throw new Error(`${url} is not served`);
      await pause(POLL_MS);
    }
  };
  const change = async (index: number): Promise<number | undefined> => {
    const path = `/change/${index}`;
    const { status, text } = await ask(`${gateways[index % gateways.length]?.adminUrl}/api/v1/route`, {
      method: 'PUT',
      headers: { prefer: 'return=minimal' },
      body: toRoute(index % routes, path),
      agent,
      timeoutMs: PATIENCE_MS,
    });
    if (status !== 201) throw new Error(`PUT route: ${status} ${text}`);
    if (index % followed !== 0) return undefined;
    const answeredAt = performance.now();
    await Promise.all(gateways.map((gateway) => untilServed(gateway.proxyUrl + path)));
    return performance.now() - answeredAt;
  };
  return {
    async make(count) {
      const startedAt = performance.now();
      const changes: Promise<number | undefined>[] = [];
      for (let i = 0; i < count; i += 1) {
        const waitMs = startedAt + (i * 1000) / perSecond - performance.now();
        if (waitMs > 0) await pause(waitMs);
        changes.push(change(made));
        made += 1;
      }
      const delays = (await Promise.all(changes)).filter((delay) => delay !== undefined);
      return { count, seconds: (performance.now() - startedAt) / 1000, delays };
    },
    close: () => agent.destroy(),
  };
}
