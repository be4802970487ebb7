import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd } from '../support/etcd.ts';
import type { Gateway } from '../support/gateway.ts';
import { convergence, startLoad, startStoreFleet } from '../support/store-fleet.ts';

/** 5000 routes, 6000 changes at 100 a second for the long form. */
const ROUTES = Number(process.env['SEKISHO_STORE_ROUTES'] ?? 1000);
const CHANGES = Number(process.env['SEKISHO_STORE_CHANGES'] ?? 100);
const PER_SECOND = Number(process.env['SEKISHO_STORE_RATE'] ?? 20);
/** Through how many of the gateways changes are made. */
const WRITERS = Number(process.env['SEKISHO_STORE_WRITERS'] ?? 3);
/** How soon a change is served everywhere, at the 99th percentile; 2000 on a machine that does nothing else. */
const BOUND_MS = Number(process.env['SEKISHO_STORE_BOUND_MS'] ?? 30_000);
const POLL_MS = 2;

test('a change is served by every gateway soon after the answer, with many routes and under load', async (t) => {
  await using servers = await startEtcd({ members: 3 });
  await using fleet = await startStoreFleet(servers, 3);
  const { gateways } = fleet;
  const changes = Array.from({ length: ROUTES }, (_, i) => ({ op: 'put', kind: 'route', entity: toRoute(i, 'first') }));
  const startedAt = performance.now();
  const answer = await gateways[0]?.admin('PUT', '/api/v1/changes', { changes });
  assert.equal(answer?.status, 200, answer?.text);
  const madeMs = performance.now() - startedAt;
  const convergedMs = await convergence(gateways);
  const load = startLoad(gateways);
  const agent = new http.Agent({ keepAlive: true });
  const [answers, delays]: [number[], number[]] = [[], []];
  const running = new Set<Promise<void>>();
  const firstAt = performance.now();
  for (let i = 0; i < CHANGES; i += 1) {
    await sleep(Math.max(0, firstAt + (i * 1000) / PER_SECOND - performance.now()));
    const path = `now${i}`;
    const gateway = gateways[i % WRITERS];
    const one = (async () => {
      const askedAt = performance.now();
      const { status, text } = (await gateway?.admin('PUT', '/api/v1/route', toRoute(i % ROUTES, path))) ?? { status: 0, text: '' };
      assert.ok(status === 200 || status === 201, text);
      const answeredAt = performance.now();
      answers.push(answeredAt - askedAt);
      await Promise.all(gateways.map((each) => untilServed(each, `/${path}`, agent)));
      delays.push(performance.now() - answeredAt);
    })();
    running.add(one.finally(() => running.delete(one)));
  }
  await Promise.all(running);
  await load.stop();
  agent.destroy();
  assert.deepEqual(load.failures, []);
  t.diagnostic(
    `${ROUTES} routes in one change: answered after ${Math.round(madeMs)} ms, on all gateways ${Math.round(convergedMs)} ms later. ` +
      `${CHANGES} changes at ${PER_SECOND}/s: answered after ${show(answers)}; then served everywhere after ${show(delays)}; ${load.served()} requests, 0 failed`,
  );
  assert.ok(quantile(delays, 0.99) < BOUND_MS);
});

function toRoute(i: number, path: string): Readonly<Record<string, unknown>> {
  return { name: `r${i}`, namespace: 'default', paths: [path === 'first' ? `/first/${i}` : `/${path}`], methods: ['GET'], service: 'load' };
}

async function untilServed(gateway: Gateway, path: string, agent: http.Agent): Promise<void> {
  while ((await statusOf(gateway.proxyUrl + path, agent)) !== 200) await sleep(POLL_MS);
}

function statusOf(url: string, agent: http.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = http.get(url, { agent }, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)));
    call.on('error', reject);
  });
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function show(values: readonly number[]): string {
  return [0.5, 0.99, 1].map((q) => `${q === 1 ? 'max' : `p${q * 100}`} ${Math.round(quantile(values, q))} ms`).join(', ');
}
