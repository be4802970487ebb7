import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../support/client.ts';
import { startEtcd } from '../support/etcd.ts';
import { startFleet } from '../support/fleet.ts';
import type { Gateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

/** How long gateways are killed. 120000 for the long form. */
const KILLING_MS = Number(process.env['SEKISHO_FLEET_KILL_MS'] ?? 4000);
/** How long one is stopped. 30000 for the long form. */
const STOPPED_MS = Number(process.env['SEKISHO_FLEET_STOP_MS'] ?? 3000);
/** Of each gateway; `0,2` for the long form. */
const WORKERS = (process.env['SEKISHO_FLEET_WORKERS'] ?? '2').split(',').map(Number);
const KILL_EVERY_MS = 2000;
const CLIENTS = 3;

/** A gateway under load. Only requests that begin and end while it is up count. */
class Node {
  readonly gateway: Gateway;
  readonly failures: string[] = [];
  requests = 0;
  #isUp = true;
  /** Grows when it goes down: a request that spans such a moment may fail. */
  #life = 0;

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  async whileDown(trouble: () => Promise<void>): Promise<void> {
    this.#isUp = false;
    this.#life += 1;
    await trouble();
    this.#isUp = true;
  }

  /** Asks again and again over kept connections. */
  async load(isOver: () => boolean): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
    const client = async (): Promise<void> => {
      while (!isOver()) {
        if (!this.#isUp) {
          await sleep(20);
          continue;
        }
        const life = this.#life;
        const problem = await ask(`${this.gateway.proxyUrl}/fixed`, { agent }).then(
          ({ status }) => (status === 200 ? undefined : `status ${status}`),
          (error: Error) => error.message,
        );
        if (life !== this.#life || !this.#isUp) continue;
        this.requests += 1;
        if (problem !== undefined) this.failures.push(problem);
        await sleep(5);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    agent.destroy();
  }
}

/** Changes by nodes in turn, as long as they are up: entities that are put, changed and deleted again. */
async function change(
  nodes: readonly Node[],
  url: string,
  isOver: () => boolean,
  outcome: { done: number; failed: number },
): Promise<void> {
  for (let i = 0; !isOver(); i += 1) {
    const node = nodes[i % nodes.length];
    if (node?.isUp !== true) {
      await sleep(10);
      continue;
    }
    const isDeletion = i % 5 === 4;
    // What was put just before; gone already when that was refused.
    const name = `s${(isDeletion ? i - 1 : i) % 20}`;
    const call = isDeletion
      ? ask(`${node.gateway.adminUrl}/api/v1/service/${name}`, { method: 'DELETE' })
      : ask(`${node.gateway.adminUrl}/api/v1/service`, { method: 'PUT', body: { name, urls: [`${url}/${i}`] } });
    const status = await call.then(
      (answer) => answer.status,
      () => 0,
    );
    if (status >= 200 && status < 300) outcome.done += 1;
    else outcome.failed += 1;
    await sleep(20);
  }
}

async function startUpstream(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = http.createServer((_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

async function untilEqual(nodes: readonly Node[]): Promise<number> {
  const since = performance.now();
  await until('every node is at the same hash', async () => {
    const states = await Promise.all(nodes.map(async ({ gateway }) => (await gateway.admin('GET', '/readyz')).json()));
    return new Set(states.map(({ revision, hash }) => `${revision} ${hash}`)).size === 1;
  });
  return Math.round(performance.now() - since);
}

for (const workers of WORKERS) {
  test(`three gateways with ${workers} workers on three members: kills, a stop, members restarted: no request fails on nodes that are up`, async (t) => {
    await using upstream = await startUpstream();
    await using etcd = await startEtcd({ members: 3 });
    await using fleet = await startFleet(etcd, { nodes: 3, workers });
    await fleet.untilJoined();
    const nodes = fleet.gateways.map((gateway) => new Node(gateway));
    const [first] = fleet.gateways;
    await first?.put('service', { name: 'fixed', urls: [upstream.url] });
    const route = { name: 'fixed', paths: ['/fixed'], methods: ['GET'], service: 'fixed' };
    assert.equal((await first?.admin('PUT', '/api/v1/route?wait=all', route))?.status, 201);

    let isOver = false;
    const load = Promise.all(nodes.map((node) => node.load(() => isOver)));
    const changes = { done: 0, failed: 0 };
    const changing = change(nodes, upstream.url, () => isOver, changes);
    const requests = (): number => nodes.reduce((sum, node) => sum + node.requests, 0);
    let kills = 0;
    try {
      for (const end = performance.now() + KILLING_MS; performance.now() < end; kills += 1) {
        const { gateway, whileDown } = bind(pick(nodes));
        await whileDown(async () => {
          await gateway.kill();
          await gateway.restart();
        });
        await sleep(Math.max(0, KILL_EVERY_MS - 1000));
      }
      const { gateway, whileDown } = bind(pick(nodes));
      await whileDown(async () => {
        process.kill(gateway.pid(), 'SIGSTOP');
        await sleep(STOPPED_MS);
        process.kill(gateway.pid(), 'SIGCONT');
        await until('it answers again', async () => (await gateway.admin('GET', '/readyz').catch(() => undefined))?.status === 200);
      });
      for (const member of etcd.members) {
        await member.stop();
        await sleep(300);
        await member.start();
      }
      await until('enough is done', () => requests() > 500 && changes.done > 20);
    } finally {
      isOver = true;
      await Promise.all([load, changing]);
    }
    const equalMs = await untilEqual(nodes);
    await fleet.untilJoined();
    const { done, failed } = changes;
    t.diagnostic(`${requests()} requests, ${kills} kills, ${done} changes (${failed} refused), same hash after ${equalMs} ms`);
    assert.deepEqual(
      nodes.flatMap((node) => node.failures),
      [],
    );
  });
}

function bind(node: Node): { readonly gateway: Gateway; readonly whileDown: Node['whileDown'] } {
  return { gateway: node.gateway, whileDown: (trouble) => node.whileDown(trouble) };
}
